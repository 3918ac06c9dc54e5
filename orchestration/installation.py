"""What assets need of the house: settings, time, and clients that infra opens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.clock import Clock
from infra.directory import DirectoryReader
from infra.settings import Settings
from infra.warehouse import Role
from infra.warehouse_columns import WarehouseColumns
from schemas.directory import SessionRecord


class Installation:
    """One a process. Nothing connects before it is asked; threads share one."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._directory: DirectoryReader | None = None
        self._lock = threading.Lock()

    def sessions(self) -> list[SessionRecord]:
        """All sessions that the directory knows at this moment, by start. Raises Unavailable when Kafka does not answer."""
        with self._lock:
            try:
                if self._directory is None:
                    self._directory = DirectoryReader(self.settings)
                else:
                    self._directory.refresh()
            except BaseException:
                self._leave()
                raise
            return sorted(self._directory.directory.sessions.values(), key=lambda record: record.started_at_ms)

    @contextmanager
    def warehouse(self, role: Role) -> Iterator[WarehouseColumns]:
        """A connection of that role until the block ends."""
        columns = WarehouseColumns(self.settings, role)
        try:
            yield columns
        finally:
            columns.close()

    def close(self) -> None:
        """Leave Kafka."""
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        directory, self._directory = self._directory, None
        if directory:
            directory.close()
