"""The directory's sessions on their way into the live shard, without letting it see ahead.

The directory is read beside the log. Behind a backlog, and after every restart, it knows the end of a class whose last minutes
are still to be read: taken at once, that end would silence every alert of those minutes, and those told before the restart
would never be over. So pauses and ends count from their events, which stand in the log among the readings.
"""

from collections.abc import Set
from typing import Final

from msgspec.structs import replace

from pipelines.sessions import Sessions
from pipelines.steps.shard import LiveShard
from schemas.directory import SessionRecord

ALONE_AFTER_MS: Final = 60_000
"""A session that ended so long ago, and whose end no event has told to a flow that sees the present, has no such event in the
log any more: what comes is late history of an old class."""


class ClassNews:
    """Belongs to the flow's thread."""

    def __init__(self, shard: LiveShard, sessions: Sessions) -> None:
        self._shard = shard
        self._sessions = sessions
        self._ends: dict[str, SessionRecord] = {}

    def introduce(self, session_ids: Set[str]) -> None:
        """Let the shard know these sessions, which are in the directory."""
        for session_id in self._shard.unknown(session_ids):
            self._put(self._sessions.records[session_id])

    def hear(self, record: SessionRecord) -> None:
        """A record of the directory; of a session that the shard does not hold it is no news."""
        if self._shard.knows(record.session_id):
            self._put(record)

    def tell_old_ends(self, now_ms: int) -> None:
        """For a flow that has caught up: ends that nothing but the directory tells."""
        old = [r for r in self._ends.values() if now_ms - (r.ended_at_ms or now_ms) > ALONE_AFTER_MS]
        for record in old:
            self._shard.put_session(record)
            del self._ends[record.session_id]

    def _put(self, record: SessionRecord) -> None:
        if record.ended_at_ms is not None:
            self._ends[record.session_id] = record
        self._shard.put_session(replace(record, state="active", ended_at_ms=None))
