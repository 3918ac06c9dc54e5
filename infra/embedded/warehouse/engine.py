"""The ClickHouse engine inside this process, and the lock that keeps a second process off its folder."""

import fcntl
import os
import re
import threading
from enum import Enum
from functools import lru_cache
from typing import IO, Any

import chdb
from chdb.state.sqlitelike import Connection

from infra.embedded.warehouse.configuration import Folders, write_configuration
from infra.embedded.warehouse.errors import SYNTAX_ERROR, QueryFailed, from_engine
from infra.errors import PacelineError

DATABASE = "paceline"
REMEMBERED, REMEMBERED_BYTES = 256, 8 * 1024
"""How many statements are remembered, and how long one may be."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Effect(Enum):
    """What a statement would do, as the engine's own parser judges it."""

    READS = "READ_ONLY"
    WRITES = "MUTATING"
    CHANGES_RIGHTS = "MUTATING_GLOBAL"
    CONTROLS = "CONTROL"
    UNREADABLE = "UNKNOWN"


class Engine:
    """Owns the folder from construction to `close`. Connections are independent of each other and may run in parallel."""

    def __init__(self, folders: Folders, memory_mb: int, keep_free_mb: int = 0) -> None:
        try:
            write_configuration(folders, memory_mb, keep_free_mb)
        except OSError as failure:
            raise PacelineError(f"The warehouse cannot use its folder {folders.root}: {failure}") from None
        self._lock = _lock(folders)
        self._address = f"{folders.data}?config-file={folders.config}"
        try:
            self._anchor: Connection = chdb.connect(self._address)
        except Exception as failure:
            self._lock.close()
            raise PacelineError(f"The warehouse engine did not start on {folders.data}: {failure}") from failure
        self._judging = threading.Lock()
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._judge)
        self._anchor.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def connect(self, database: str) -> Connection:
        """A connection with no state of anybody else's. Cheap enough for one per request; the caller closes it."""
        try:
            if _PLAIN_NAME.fullmatch(database):
                return chdb.connect(f"{self._address}&database={database}")
            connection: Connection = chdb.connect(self._address)
            if database:
                connection.query(f"USE {quote_name(database)}")
            return connection
        except RuntimeError as failure:
            raise from_engine(failure) from None

    def effect(self, sql: str) -> Effect:
        """What this statement would do. Raises QueryFailed for several statements at once.

        The parser sees the text and nothing else, so its judgement of a short one is remembered.
        """
        return self._remembered(sql) if len(sql) <= REMEMBERED_BYTES else self._judge(sql)

    def _judge(self, sql: str) -> Effect:
        with self._judging:
            found: dict[str, Any] = self._anchor._conn.classify_query(sql)
        if found["statement_count"] > 1:
            raise QueryFailed(SYNTAX_ERROR, "Multi-statements are not allowed.")
        return Effect(found["query_class"].name)

    def active_parts(self) -> int:
        """Parts that queries have to read; hundreds mean that inserts are too small."""
        with self.connect("system") as connection:
            counted = connection.query("SELECT count() FROM system.parts WHERE active", "TabSeparated")
            return int(bytes(counted.bytes()))

    def cancel_all(self) -> None:
        """Break off what still runs, so that stopping does not wait for somebody's long query."""
        self._anchor.query("KILL QUERY WHERE query NOT ILIKE 'KILL QUERY%' ASYNC")

    def close(self) -> None:
        self._anchor.close()
        self._lock.close()


def quote_name(name: str) -> str:
    """As an identifier in SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_text(text: str) -> str:
    """As a string in SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lock(folders: Folders) -> IO[str]:
    lock = folders.lock.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise PacelineError(
            f"Another warehouse process ({owner}) uses {folders.root}.",
            "Stop it, or give this one another folder by PACELINE_HOME.",
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
