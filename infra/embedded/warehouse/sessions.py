"""Sessions of ClickHouse's HTTP interface: what `USE`, `SET` and temporary tables leave behind between requests."""

from dataclasses import dataclass

from chdb.state.sqlitelike import Connection

from infra.clock import Clock
from infra.embedded.warehouse.errors import (
    INVALID_SESSION_TIMEOUT,
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    QueryFailed,
)
from infra.embedded.warehouse.users import User

DEFAULT_TIMEOUT_S = 60
MAX_TIMEOUT_S = 3600
MAX_SESSIONS = 256


@dataclass
class Session:
    """One client's state. A reader changes nothing but its database, so only a writer's session keeps a connection."""

    timeout_s: int
    database: str = ""
    asked_database: str = ""
    connection: Connection | None = None
    expires_at_ms: int = 0
    busy: bool = False


class Sessions:
    """All sessions, by user and id. Used from the event loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[tuple[str, str], Session] = {}

    def take(self, user: User, session_id: str, timeout_s: int, *, must_exist: bool) -> Session:
        """The session, for this request alone until it is given back."""
        if not 0 < timeout_s <= MAX_TIMEOUT_S:
            raise QueryFailed(INVALID_SESSION_TIMEOUT, f"session_timeout must be between 1 and {MAX_TIMEOUT_S} seconds.")
        self.drop_expired()
        key = (user.name, session_id)
        session = self._open.get(key)
        if session is None:
            if must_exist:
                raise QueryFailed(SESSION_NOT_FOUND, f"Session {session_id} not found.")
            if len(self._open) >= MAX_SESSIONS:
                raise QueryFailed(TOO_MANY_SIMULTANEOUS_QUERIES, f"More than {MAX_SESSIONS} sessions are open.")
            session = self._open[key] = Session(timeout_s)
        if session.busy:
            raise QueryFailed(SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client.")
        session.busy = True
        session.timeout_s = timeout_s
        return session

    def give_back(self, session: Session) -> None:
        session.busy = False
        session.expires_at_ms = self._clock() + session.timeout_s * 1000

    def drop_expired(self) -> None:
        now = self._clock()
        for key in [key for key, session in self._open.items() if not session.busy and session.expires_at_ms <= now]:
            _end(self._open.pop(key))

    def close(self) -> None:
        while self._open:
            _end(self._open.popitem()[1])


def _end(session: Session) -> None:
    if session.connection is not None:
        session.connection.close()
        session.connection = None
