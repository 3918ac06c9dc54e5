"""What has been measured and not yet confirmed by a gateway: on disk, in order, bounded."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from infra.errors import PacelineError
from schemas.events import DeviceEvent, device_event_decoder

EVENTS_MAX = 2_000_000
"""About 400 MB: twenty straps for a day."""
encode = msgspec.json.Encoder().encode


class EventStore:
    """A queue in SQLite, used by one process at a time; safe to call from several of its threads.

    An event is in it from when `append` returns until `forget`: a crash of the process loses nothing, a power cut at most
    the last seconds. When it is full the oldest go, counted in `lost`.
    """

    def __init__(self, file: Path, events_max: int = EVENTS_MAX) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.lost = 0
        self._events_max = events_max
        self._lock = threading.Lock()
        self._base = sqlite3.connect(file, check_same_thread=False, timeout=1)
        try:
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
                self._base.execute(f"PRAGMA {pragma}")
            with self._base:
                self._base.execute(
                    "CREATE TABLE IF NOT EXISTS events (place INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL)"
                )
            self._waiting: int = self._base.execute("SELECT count(*) FROM events").fetchone()[0]
        except sqlite3.OperationalError as fault:
            self._base.close()
            raise PacelineError(
                f"The store {file} cannot be used: {fault}", "Does another `paceline strap connect` run?"
            ) from None

    @property
    def waiting(self) -> int:
        """Events in it."""
        return self._waiting

    def append(self, events: Sequence[DeviceEvent]) -> None:
        """Put them at the end. Raises sqlite3.Error when the disk does not take them; then none of them is in it."""
        with self._lock:
            with self._base:
                self._base.executemany("INSERT INTO events (event) VALUES (?)", [(encode(event),) for event in events])
            self._waiting += len(events)
            if self._waiting > self._events_max:
                self._drop_oldest(self._waiting - self._events_max)

    def oldest(self, count: int) -> tuple[int, list[DeviceEvent]]:
        """The first `count` in order, and the place of the last of them, for `forget`."""
        with self._lock:
            rows = self._base.execute("SELECT place, event FROM events ORDER BY place LIMIT ?", (count,)).fetchall()
        return (rows[-1][0] if rows else 0), [device_event_decoder.decode(event) for _place, event in rows]

    def forget(self, place: int) -> None:
        """They have been confirmed, all up to this place."""
        with self._lock, self._base:
            self._waiting -= self._base.execute("DELETE FROM events WHERE place <= ?", (place,)).rowcount

    def close(self) -> None:
        self._base.close()

    def _drop_oldest(self, count: int) -> None:
        with self._base:
            query = "DELETE FROM events WHERE place IN (SELECT place FROM events ORDER BY place LIMIT ?)"
            dropped = self._base.execute(query, (count,)).rowcount
        self._waiting -= dropped
        self.lost += dropped
