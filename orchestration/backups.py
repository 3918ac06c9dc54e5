"""Nightly backups: where they lie, which are kept, and whether the newest can be brought back."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from infra.backup.archive import MANIFEST, Archive, Progress
from infra.backup.bring_back import bring_back, bring_back_secrets
from infra.backup.warehouse_rows import ENDING, FOLDER
from infra.errors import PacelineError
from infra.migrate import migrate_warehouse
from infra.processes import stages
from infra.settings import Settings, ensure_secrets
from infra.supervisor import Stage, Supervisor
from infra.supervisor.ports import free_stretches
from infra.warehouse import open_client
from infra.warehouse_columns import WarehouseColumns

NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(\.partial)?")
"""Only what is named so is ours to remove."""
PORTS = ("kafka_port", "clickhouse_port", "api_port", "gateway_port", "supervisor_port", "metrics_port", "simulator_port")
PORTS_EACH = 20
"""Some take the next ones too."""
OF_SERVERS = ("kafka", "clickhouse", "postgres")


@dataclass(frozen=True)
class Missing:
    """A table of which the restored house does not hold what the backup names."""

    table: str
    backed_up: int
    restored: int


def place_for(settings: Settings, now_ms: int) -> Path:
    """The folder of a backup that is made now."""
    name = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return settings.backup_folder_in_use / name


def finished(settings: Settings) -> list[Path]:
    """All complete backups, oldest first."""
    return [path for path in _ours(settings) if (path / MANIFEST).is_file()]


def newest(settings: Settings) -> Path:
    """The last complete one. Raises PacelineError when there is none."""
    found = finished(settings)
    if not found:
        raise PacelineError(f"There is no backup in {settings.backup_folder_in_use}", "Materialize the asset `backup`.")
    return found[-1]


def remove_old(settings: Settings) -> list[Path]:
    """Remove all but the newest `backups_kept` complete ones, and what was cut off before them; returns what is gone."""
    kept = finished(settings)[-settings.backups_kept :]
    gone = [path for path in _ours(settings) if kept and path.name < kept[-1].name and path not in kept]
    for path in gone:
        shutil.rmtree(path)
    return gone


def _ours(settings: Settings) -> list[Path]:
    folder = settings.backup_folder_in_use
    return sorted(path for path in folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name)) if folder.is_dir() else []


def tried(settings: Settings, source: Path, progress: Progress) -> list[Missing]:
    """Bring a backup back into a house of its own, on servers started for it, and count; everything of it is removed.

    Raises PacelineError when it cannot be brought back at all.
    """
    archive = Archive(source)
    archive.check(progress)
    with _trial_house(settings) as empty:
        trial = ensure_secrets(bring_back_secrets(empty, archive))
        with Supervisor(trial, [Stage(stages(trial)[0].children)]) as supervisor:
            supervisor.wait_ready()
            migrate_warehouse(trial, archive.manifest.warehouse_version)
            with open_client(trial, "writer") as client:
                client.command("SYSTEM STOP TTL MERGES")  # what has become too old since the backup was in it all the same
            bring_back(trial, archive, progress)
            return list(_missing(trial, archive))


@contextmanager
def _trial_house(settings: Settings) -> Iterator[Settings]:
    """Settings of an empty house with servers of its own, whatever servers this one uses."""
    settings.backup_folder_in_use.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(prefix=".trial-", dir=settings.backup_folder_in_use) as home:
        theirs = {name: field.get_default() for name, field in Settings.model_fields.items() if name.startswith(OF_SERVERS)}
        own = dict(zip(PORTS, free_stretches(len(PORTS), PORTS_EACH), strict=True))
        secrets = {name: SecretStr("") for name in theirs if isinstance(theirs[name], SecretStr)}
        yield settings.model_copy(update={**theirs, **secrets, **own, "jwt_secret": SecretStr(""), "home": Path(home)})


def _missing(trial: Settings, archive: Archive) -> Iterator[Missing]:
    rows = WarehouseColumns(trial, "writer")
    try:
        for name in archive.names(FOLDER):
            table = name.removeprefix(f"{FOLDER}/").removesuffix(ENDING)
            found = int(rows.query(f"SELECT count() AS found FROM {table} FINAL", {}).to_pylist()[0]["found"])  # noqa: S608 - of a checked backup
            if found != archive.rows(name):
                yield Missing(table, archive.rows(name), found)
    finally:
        rows.close()
