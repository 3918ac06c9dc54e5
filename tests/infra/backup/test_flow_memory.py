"""A flow's memory keeps its place in a log whose offsets begin anew, and everything else as it was."""

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from bytewax.recovery import init_db_dir

from infra.backup.archive import FORMAT, Archive, Manifest, new_archive
from infra.backup.flow_memory import export, memories, read_positions, restore
from infra.backup.topics import Moved
from infra.settings import Settings
from tests.running import settings_in

PLACES = {("device-events", 3): 1_205, ("app-events", 3): 17}
SHARD = {"rows": np.arange(3), "version": 2}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "home")


def remember(settings: Settings, log_id: str) -> None:
    folder = settings.home / "flows" / log_id / "live-0-of-1" / "memory"
    folder.mkdir(parents=True)
    init_db_dir(folder, 1)
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as memory, memory:
        states = {"live.events": PLACES, "live.sessions.stateful_batch": SHARD}
        for step, state in states.items():
            memory.execute(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, 'live-0', 7, ?)",
                (step, pickle.dumps(state)),
            )


def test_positions_follow_their_messages_and_other_states_stay(settings: Settings, tmp_path: Path) -> None:
    remember(settings, "old-log")
    with new_archive(tmp_path / "copy") as (archive, end):
        export(settings, "old-log", archive)
        end(Manifest(FORMAT, "0.1.0", 1_000, 2_000, "0002", 4, (), archive.records()))
    copied = np.array([1_200, 1_202, 1_204, 1_205, 1_206])  # 1,201 and 1,203 are no messages of ours
    moved = {("device-events", 3): Moved(0, [copied[:2], copied[2:]]), ("app-events", 3): Moved(0, [np.arange(15, 20)])}
    restore(settings, "new-log", Archive(tmp_path / "copy"), moved)
    [path] = memories(settings, "new-log")
    with closing(sqlite3.connect(path)) as memory:
        found = {step: pickle.loads(state) for step, state in memory.execute("SELECT step_id, ser_change FROM snaps")}
    assert found["live.events"] == {("device-events", 3): 3, ("app-events", 3): 2}
    shard = found["live.sessions.stateful_batch"]
    assert shard["rows"].tolist() == [0, 1, 2]
    assert shard["version"] == 2


@pytest.mark.parametrize(
    ("before", "now"),
    [(0, 40), (100, 40), (101, 41), (104, 44), (9_999, 45)],
    ids=["long expired", "at the first", "after the first", "amid", "at the end"],
)
def test_a_place_in_the_log_is_told_by_the_messages_before_it(before: int, now: int) -> None:
    assert Moved(40, [np.arange(100, 103), np.arange(103, 105)]).offset(before) == now


@pytest.mark.parametrize(
    "state", [b"", b"no pickle", pickle.dumps({}), pickle.dumps({"a": 1}), pickle.dumps(Path("/")), pickle.dumps([("t", 0), 1])]
)
def test_no_other_state_is_taken_for_positions(state: bytes) -> None:
    assert read_positions(state) is None
