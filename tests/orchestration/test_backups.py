"""The nightly backup: everything in a folder, old ones gone, a harmed one noticed, and the newest can be brought back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from infra.backup.archive import MANIFEST, Archive
from infra.errors import PacelineError
from infra.settings import Settings
from infra.warehouse import open_client
from orchestration.assets.backups import unharmed
from orchestration.backups import finished, newest, place_for, remove_old, tried
from orchestration.definitions import definitions
from orchestration.installation import Installation
from tests.conftest import FakeClock
from tests.orchestration.gym import Gym


def _backup(settings: Settings, name: str, *, complete: bool = True) -> Path:
    folder = settings.backup_folder_in_use / name
    folder.mkdir(parents=True)
    if complete:
        (folder / MANIFEST).write_text("{}")
    return folder


def test_only_our_own_old_backups_are_removed(tmp_path: Path, clock: FakeClock) -> None:
    settings = Settings(home=tmp_path, backups_kept=2)
    with pytest.raises(PacelineError, match="no backup"):
        newest(settings)
    assert remove_old(settings) == []
    old = _backup(settings, "2026-11-01T021000Z")
    cut_off = _backup(settings, "2026-11-02T021000Z.partial", complete=False)
    theirs = _backup(settings, "before-the-move")
    kept = [_backup(settings, f"2026-11-0{day}T021000Z") for day in (3, 4)]
    being_made = _backup(settings, "2026-11-05T021000Z.partial", complete=False)
    assert remove_old(settings) == [old, cut_off]
    assert finished(settings) == kept
    assert newest(settings) == kept[-1]
    assert theirs.is_dir()
    assert being_made.is_dir()
    assert place_for(settings, clock()).parent == kept[0].parent


def test_a_folder_elsewhere_may_be_named(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, backup_folder=tmp_path / "disk").backup_folder_in_use == tmp_path / "disk"


@pytest.fixture
def run_here(gym: Gym, tmp_path: Path, instance: dg.DagsterInstance) -> Callable[[str], Any]:
    gym.settings = gym.settings.model_copy(update={"backup_folder": tmp_path / "backups", "backups_kept": 1})
    made = definitions(gym.settings, gym.clock)
    return lambda job: made.resolve_job_def(job).execute_in_process(instance=instance)


@pytest.fixture
def nothing_grows_too_old(servers: Settings) -> Iterator[None]:
    """The warehouse keeps what it would drop by its age, as it may for hours."""
    with open_client(servers, "writer") as client:
        client.command("SYSTEM STOP TTL MERGES telemetry_raw")
        yield
        client.command("SYSTEM START TTL MERGES telemetry_raw")


@pytest.mark.servers
@pytest.mark.usefixtures("nothing_grows_too_old")
def test_the_newest_backup_is_complete_and_comes_back_whole(gym: Gym, run_here: Callable[[str], Any]) -> None:
    gym.held(gym.days_ago(2)).summarised()
    gym.held(gym.days_ago(30))
    run_here("backups")
    gym.clock.forward(5)
    result = run_here("backups")
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("unharmed", True)
    (kept,) = finished(gym.settings)
    archive = Archive(kept)
    assert archive.rows("warehouse/telemetry_raw.parquet") > 0
    assert tried(gym.settings, kept, lambda *_: None) == []
    assert [path.name for path in kept.parent.iterdir()] == [kept.name], "nothing of the trial is left"
    harmed = archive.path("warehouse/telemetry_raw.parquet")
    harmed.write_bytes(harmed.read_bytes()[:-1])
    again = unharmed(dg.build_asset_check_context(), installation=Installation(gym.settings, gym.clock))
    assert not again.passed
    assert "damaged: warehouse/telemetry_raw.parquet" in (again.description or "")
