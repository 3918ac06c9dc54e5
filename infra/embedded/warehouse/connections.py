"""Connections for requests: a fresh one each, and for plain questions of readers one that is ready already.

A question in strict read-only mode can change nothing in its connection: the engine refuses SET, settings in the statement and
temporary tables, parameters are handed over with each query, and USE or a request with settings of its own gets a fresh
connection. So the next question of the same user in the same database may have it, if this one ended well.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chdb.state.sqlitelike import Connection

from infra.embedded.warehouse import execution
from infra.embedded.warehouse.engine import Engine
from infra.embedded.warehouse.users import User

MOST = 8


class Connections:
    """Threads share it; a connection belongs to one request at a time. At most MOST wait, of all users and databases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: list[tuple[tuple[str, str], Connection]] = []

    def fresh(self, database: str) -> Connection:
        """One with no state of anybody's; the caller closes it."""
        return self._engine.connect(database)

    @contextmanager
    def standing(self, user: User, database: str) -> Iterator[Connection]:
        """One with this user's limits and nothing else. It comes back unless the block ends with an exception."""
        key = (user.name, database)
        connection = self._take(key) or self._make(user, database)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._keep(key, connection)

    def close(self) -> None:
        """Close those that wait; nobody may have one any more."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, connection in waiting:
            connection.close()

    def _take(self, key: tuple[str, str]) -> Connection | None:
        with self._lock:
            for place in reversed(range(len(self._waiting))):
                if self._waiting[place][0] == key:
                    return self._waiting.pop(place)[1]
        return None

    def _make(self, user: User, database: str) -> Connection:
        connection = self.fresh(database)
        try:
            execution.apply_settings(connection, {}, user, readonly=execution.READONLY_STRICT)
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, key: tuple[str, str], connection: Connection) -> None:
        with self._lock:
            self._waiting.append((key, connection))
            oldest = self._waiting.pop(0)[1] if len(self._waiting) > MOST else None
        if oldest:
            oldest.close()
