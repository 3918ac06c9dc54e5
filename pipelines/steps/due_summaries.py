"""Which sessions of a shard owe a summary, and when it may be written."""

from collections.abc import Callable, Mapping
from typing import Final

from pipelines.steps.minutes import MinuteBook
from pipelines.steps.results import SessionSummary
from pipelines.steps.session import Session
from pipelines.steps.shard_state import ShardState
from pipelines.steps.summary import summarise_session

QUIET_MS: Final = 3_000
"""After a late or belated reading so long nothing more must have come before a summary is written anew."""


class DueSummaries:
    """Reads the shard's sessions and grid; the minutes that a summary closes go into `book`."""

    def __init__(self, state: ShardState, book: MinuteBook) -> None:
        self._state = state
        self._book = book
        self._any_due = any(session.summary_due for session in state.sessions)
        """Whether some session may wait for its summary."""

    def want(self, session: Session) -> None:
        """Its summary is to be written, or written anew."""
        session.summary_due = self._any_due = True

    def take(self, now_ms: int, may_repeat: Callable[[str], bool]) -> list[SessionSummary]:
        """The first summaries of all that wait for one, and later ones of those that have been quiet and may repeat theirs.

        Not before the shard has caught up: the rest of a class may still lie in the log.
        """
        if not self._any_due:
            return []
        due = [session for session in self._state.sessions if session.summary_due]
        told = [
            self._next(session)
            for session in due
            if session.revision == 0 or (now_ms - session.touched_ms >= QUIET_MS and may_repeat(session.record.session_id))
        ]
        self._any_due = len(told) < len(due)
        return told

    def take_recomputations(self, now_ms: int) -> list[str]:
        """Ended sessions whose totals lack something that is stored, once no more has come for a while."""
        found = []
        for session in self._state.sessions:
            if session.recompute_due and session.revision > 0 and now_ms - session.touched_ms >= QUIET_MS:
                session.recompute_due = False
                found.append(session.record.session_id)
        for session_id, kept in self._state.archive.items():
            if kept[1] and now_ms - kept[1] >= QUIET_MS:
                kept[1] = 0
                found.append(session_id)
        return found

    def make(
        self, session: Session, *, revision: int, late_events: int, computed_from: str, alerts: Mapping[int, int] | None
    ) -> SessionSummary:
        """The summary of a session as it stands; without `alerts` with those counted here."""
        session.revision = revision
        return summarise_session(
            session,
            self._state.grid,
            revision=revision,
            late_events=late_events,
            computed_from=computed_from,
            alerts=session.alerts_by_member if alerts is None else alerts,
        )

    def _next(self, session: Session) -> SessionSummary:
        session.summary_due = False
        book = self._book.provisional()
        summary = self.make(session, revision=session.revision + 1, late_events=0, computed_from="live", alerts=None)
        self._state.grid.present_by_minutes(self._state.all_rows(session), book.close)
        self._book.closed += book.closed
        return summary
