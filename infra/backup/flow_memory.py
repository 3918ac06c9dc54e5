"""The flows' memories: copied while flows write, and set right for a log whose offsets begin anew."""

import pickle
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

from infra.backup.archive import Archive, ArchiveWriter
from infra.backup.topics import Moved
from infra.settings import Settings

FOLDER = "flows"
ENDING = ".sqlite3"
Positions = dict[tuple[str, int], int]


def memories(settings: Settings, log_id: str) -> list[Path]:
    """The files in which flows keep what they know of this log."""
    return sorted((settings.home / FOLDER / log_id).glob(f"*/memory/*{ENDING}"))


def export(settings: Settings, log_id: str, archive: ArchiveWriter) -> None:
    """Copy each as it stands after its last checkpoint."""
    root = settings.home / FOLDER / log_id
    for path in memories(settings, log_id):
        name = f"{FOLDER}/{path.relative_to(root).as_posix()}"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(archive.file(name))) as copy:
            source.backup(copy)
        archive.written(name, 1)


def restore(settings: Settings, log_id: str, archive: Archive, moved: Mapping[tuple[str, int], Moved]) -> None:
    """Lay them under the new log's id, with the places where its messages stand now."""
    for name in archive.names(FOLDER):
        path = settings.home / FOLDER / log_id / name.removeprefix(f"{FOLDER}/")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(archive.path(name).read_bytes())
        with closing(sqlite3.connect(path)) as memory, memory:
            _translate(memory, moved)


def _translate(memory: sqlite3.Connection, moved: Mapping[tuple[str, int], Moved]) -> None:
    """Of all states in a memory only the source's is a mapping of places to offsets."""
    rows = memory.execute("SELECT rowid, ser_change FROM snaps WHERE ser_change IS NOT NULL").fetchall()
    for row_id, state in rows:
        positions = read_positions(state)
        if positions:
            known = {place: moved[place].offset(at) for place, at in positions.items() if place in moved}
            memory.execute("UPDATE snaps SET ser_change = ? WHERE rowid = ?", (pickle.dumps(known), row_id))


class _PlainValues(pickle.Unpickler):
    """Reads what is made of plain values only, and runs nothing of anybody's."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def read_positions(state: bytes) -> Positions | None:
    """Places and offsets, when that is what this state is."""
    try:
        found = _PlainValues(BytesIO(state)).load()
    except (pickle.UnpicklingError, EOFError):
        return None
    if not isinstance(found, dict) or not found:
        return None
    return found if all(_is_place(key) and isinstance(value, int) for key, value in found.items()) else None


def _is_place(key: object) -> bool:
    return isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str) and isinstance(key[1], int)
