"""What one group of partitions holds in memory: its sessions, their members, and where each is found."""

from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.grid import Grid
from pipelines.steps.members import ENDLESS, Marks, Sessions, Watch
from pipelines.steps.roster import WORDS, Roster, words_of
from pipelines.steps.session import Session
from schemas.directory import Participant, SessionRecord

KEPT_AFTER_END_MS: Final = 60 * 60_000
"""So long an ended session takes readings and acknowledgements in; what comes later corrects its stored summary."""
REMEMBERED_MS: Final = 8 * 24 * 3_600_000
"""So long a session that was put away is not taken for a new one: longer than the raw topics keep events."""


class ShardState:
    """Sessions by position, members by row; both numbers change when old sessions are put away."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.columns = Sessions()
        self.grid = Grid()
        self.marks = Marks()
        self.watch = Watch()
        self.position: dict[str, int] = {}
        self.rows: dict[str, dict[int, int]] = {}
        """Session id → member id → row."""
        self.roster = Roster()
        """The same for columns."""
        self.archive: dict[str, list[int]] = {}
        """Sessions put away → when they ended, and when the last reading came that their summary lacks; 0: it lacks none."""

    def session(self, session_id: str) -> Session | None:
        """The session, unless it is unknown or was put away."""
        at = self.position.get(session_id)
        return None if at is None else self.sessions[at]

    def open(self, record: SessionRecord) -> Session:
        """A session that was not known."""
        session = Session(record=record, rows={}, people={})
        at = len(self.sessions)
        self.sessions.append(session)
        self.columns.grow(1)
        self.columns.started_s[at] = session.started_s
        self.columns.newest_event_ms[at] = record.started_at_ms
        self.columns.newest_received_ms[at] = record.started_at_ms
        self.position[record.session_id] = at
        self.rows[record.session_id] = session.rows
        return session

    def adopt(self, session: Session, record: SessionRecord) -> bool:
        """Take news of a session in; whether its rows changed."""
        roster = {member.member_id for member in session.record.participants} if session.rows else set()
        joined = session.adopt(record)
        self._join(session, joined)
        rows = np.array(list(session.rows.values()), dtype=np.int64)
        present = {member.member_id for member in session.record.participants}
        self.grid.members.removed[rows] = [member_id not in present for member_id in session.rows]
        self.grid.members.changed[rows] = True
        return bool(joined) or present != roster

    def end(self, session: Session, ended_at_ms: int) -> bool:
        """Nothing after the second of the end counts; whether totals already contain something that does not."""
        session.ended_at_ms = ended_at_ms
        at = self.position[session.record.session_id]
        last = max(ended_at_ms // 1000 - session.started_s, -1)
        self.columns.ended[at] = min(last, ENDLESS - 1)
        rows = np.array(list(session.rows.values()), dtype=np.int64)
        spoiled = self.grid.cut(rows, np.full(len(rows), last))
        self.grid.members.changed[rows] = True
        return spoiled

    def all_rows(self, session: Session) -> Array:
        """The session's rows in the order of display."""
        return np.array(list(session.rows.values()), dtype=np.int64)

    def put_away(self, now_ms: int) -> bool:
        """Forget sessions that ended long ago; whether there were any, so that rows and positions changed."""
        for session_id in [s for s, (ended_ms, _) in self.archive.items() if ended_ms < now_ms - REMEMBERED_MS]:
            del self.archive[session_id]
        old = [s for s in self.sessions if s.ended_at_ms is not None and _settled(s, now_ms)]
        if not old:
            return False
        for session in old:
            self.archive[session.record.session_id] = [session.ended_at_ms or 0, 0]
        self._keep([session for session in self.sessions if session not in old])
        return True

    def stored(self) -> dict[str, Any]:
        """Plain values and arrays for a snapshot."""
        return {
            "sessions": [session.stored() for session in self.sessions],
            "columns": self.columns.stored(),
            "grid": self.grid.stored(),
            "marks": self.marks.stored(),
            "watch": self.watch.stored(),
            "archive": {session_id: list(kept) for session_id, kept in self.archive.items()},
        }

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The state that `stored` described."""
        state = cls()
        state.sessions = [Session.of_stored(session) for session in stored["sessions"]]
        state.columns = Sessions.of_stored(stored["columns"])
        state.grid = Grid.of_stored(stored["grid"])
        state.marks = Marks.of_stored(stored["marks"])
        state.watch = Watch.of_stored(stored["watch"])
        state.archive = {session_id: list(kept) for session_id, kept in stored["archive"].items()}
        for at, session in enumerate(state.sessions):
            state.position[session.record.session_id] = at
            state.rows[session.record.session_id] = session.rows
            for member_id, row in session.rows.items():
                state.grid.body.describe(row, session.people[member_id])
        state._enroll()
        return state

    def _enroll(self) -> None:
        """Write the roster anew, after rows were numbered."""
        self.roster = Roster()
        if len(self.grid.members):
            words = np.stack([words_of(session.record.session_id) for session in self.sessions], axis=1)
            self.roster.append(words[:, self.grid.members.session], self.grid.members.member_id)

    def _join(self, session: Session, joined: list[Participant]) -> None:
        begin = len(self.grid.members)
        for table in (self.grid, self.marks, self.watch):
            table.grow(len(joined))
        members = self.grid.members
        for row, member in enumerate(joined, begin):
            session.rows[member.member_id] = row
            self.grid.body.describe(row, member)
            members.member_id[row] = member.member_id
        members.session[begin:] = self.position[session.record.session_id]
        members.phase[begin:] = session.started_s % 60
        words = np.broadcast_to(words_of(session.record.session_id)[:, None], (WORDS, len(joined)))
        self.roster.append(words, members.member_id[begin:])

    def _keep(self, sessions: list[Session]) -> None:
        """Number the remaining sessions and rows anew."""
        positions = np.array([self.position[s.record.session_id] for s in sessions], dtype=np.int64)
        rows = np.array([row for session in sessions for row in session.rows.values()], dtype=np.int64)
        self.columns.keep(positions)
        for table in (self.grid, self.marks, self.watch):
            table.keep(rows)
        self.sessions[:] = sessions
        number = {int(row): at for at, row in enumerate(rows)}
        self.position = {session.record.session_id: at for at, session in enumerate(sessions)}
        for at, session in enumerate(sessions):
            session.rows = {member_id: number[row] for member_id, row in session.rows.items()}
            self.grid.members.session[list(session.rows.values())] = at
        self.rows = {session.record.session_id: session.rows for session in sessions}
        self._enroll()


def _settled(session: Session, now_ms: int) -> bool:
    ended, quiet = session.ended_at_ms or 0, session.touched_ms
    told = session.revision > 0 and not session.summary_due and not session.recompute_due
    return told and max(ended, quiet) < now_ms - KEPT_AFTER_END_MS
