"""All running sessions of one partition group: readings in, live messages, alerts, minutes and summaries out.

Pure and single-threaded: no clock, no socket, no vendor. Time comes in with `tick` and `take_live`. What comes out depends on
the readings, not on how they were cut into batches.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.alert_desk import AlertDesk
from pipelines.steps.alerts import AlertConfig
from pipelines.steps.batch import Batch, batch_of, rows_of
from pipelines.steps.columns import Array
from pipelines.steps.due_summaries import DueSummaries
from pipelines.steps.live_updates import LiveUpdates
from pipelines.steps.members import ENDLESS
from pipelines.steps.minutes import MinuteBook
from pipelines.steps.results import MemberMinute, SessionSummary
from pipelines.steps.segments import of_runs, stable_order, starts_of_runs
from pipelines.steps.session import Session
from pipelines.steps.shard_state import ShardState
from pipelines.steps.signal_watch import SignalWatch
from pipelines.steps.totals import Totals
from pipelines.steps.unplaced import Unplaced
from schemas.alerts import Alert
from schemas.directory import Participant, SessionRecord
from schemas.events import AlertAcknowledged, AppEvent, CheckedIn, CheckedOut, Reading, SessionEnded
from schemas.live import LiveUpdate

STATE_VERSION: Final = 1
SETTLE_SLACK_S: Final = 8
"""Seconds that may wait to be folded for good; folding several at once costs no more than one."""


class LiveShard:
    """The live pipeline's numbers. Sessions must be put before their readings; what is unknown comes out of `take_rejected`."""

    def __init__(
        self,
        state: ShardState,
        *,
        config: AlertConfig,
        alerts: dict[str, Any] | None = None,
        sequences: Mapping[str, int] = MappingProxyType({}),
        now_ms: int = 0,
        caught_up: bool = False,
    ) -> None:
        self._state = state
        self._book = MinuteBook(state.marks, state.grid, state.sessions)
        self._summaries = DueSummaries(state, self._book)
        self._updates = LiveUpdates(state, dict(sequences))
        self._desk = AlertDesk(state, config, alerts)
        self._signals = SignalWatch(state, self._desk)
        self._unplaced = Unplaced(state)
        self._now_ms = now_ms
        self._caught_up = caught_up

    @classmethod
    def restore(cls, state: dict[str, Any] | None, config: AlertConfig | None = None) -> Self:
        """The shard that a snapshot described, or an empty one."""
        config = config or AlertConfig()
        if state is None:
            return cls(ShardState(), config=config)
        if state["version"] != STATE_VERSION:
            raise ValueError(f"the stored state has version {state['version']}, this program reads {STATE_VERSION}")
        shard = cls(
            ShardState.of_stored(state["shard"]),
            config=config,
            alerts=state["alerts"],
            sequences=state["sequences"],
            now_ms=state["now_ms"],
            caught_up=state["caught_up"],
        )
        shard._book.closed = [MemberMinute(**minute) for minute in state["minutes"]]
        return shard

    def snapshot(self) -> dict[str, Any]:
        """Everything as plain values and copied arrays."""
        return {
            "version": STATE_VERSION,
            "shard": self._state.stored(),
            "alerts": self._desk.stored(),
            "sequences": self._updates.sequences,
            "minutes": [dict(vars(minute)) for minute in self._book.closed],
            "now_ms": self._now_ms,
            "caught_up": self._caught_up,
        }

    @property
    def members(self) -> int:
        """How many rows there are: members of all sessions held."""
        return len(self._state.grid.members)

    def knows(self, session_id: str) -> bool:
        """Whether readings of this session have a place here."""
        return session_id in self._state.position or session_id in self._state.archive

    def unknown(self, session_ids: Set[str]) -> Set[str]:
        """Those of these sessions that have no place here."""
        return set(session_ids).difference(self._state.position).difference(self._state.archive)

    def knows_member(self, session_id: str, member_id: int) -> bool:
        """Whether this member takes part in it, as far as the directory was told."""
        return member_id in self._state.rows.get(session_id, ()) or session_id in self._state.archive

    def people(self, session_id: str) -> tuple[Participant, ...]:
        """Everyone who ever took part in a session held here, with the physiology that their totals rest on."""
        session = self._state.session(session_id)
        return tuple(session.people.values()) if session else ()

    def put_session(self, record: SessionRecord) -> None:
        """News from the directory; the same news again changes nothing."""
        if record.session_id in self._state.archive:
            return
        known = self._state.session(record.session_id)
        session = known or self._state.open(record)
        if known is None:
            session.alerts_by_member = self._desk.book.counts(record.session_id)
        if self._state.adopt(session, record) or known is None:
            self._updates.joined(record.session_id)
        self._desk.adopt(session)
        if record.ended_at_ms is not None and record.ended_at_ms != session.ended_at_ms:
            self._end(session, record.ended_at_ms)

    def recall(self, alerts: Iterable[Alert]) -> None:
        """What was told since the snapshot that this shard was restored from, newest states; call it before anything else."""
        self._signals.recall(alerts)

    def app_events(self, events: Sequence[AppEvent]) -> None:
        """What people did. Events may come again and in any order; those of unknown sessions are passed over."""
        for event in events:
            session = self._state.session(event.session_id)
            if session is not None:
                self._hear(session, event)

    def readings(self, readings: Sequence[Reading]) -> list[Reading]:
        """Take readings in; returns those that came more than 60 s behind their member's newest second."""
        if not readings:
            return []
        rows = rows_of(readings, self._state.rows)
        late: list[Reading] = []
        if (rows < 0).any():
            late = self._unplaced.take([r for r, row in zip(readings, rows.tolist(), strict=True) if row < 0], self._now_ms)
            readings = [r for r, row in zip(readings, rows.tolist(), strict=True) if row >= 0]
            rows = rows[rows >= 0]
        if not readings:
            return late
        lateness = self.take(batch_of(readings, rows))
        return late + [readings[at] for at in np.flatnonzero(lateness).tolist()]

    def rows(self, words: Array, member_ids: Array) -> Array:
        """The rows of pairs of session (as `roster.words_of`) and member; -1 for those that have none."""
        return self._state.roster.rows(words, member_ids)

    def rows_of(self, readings: Sequence[Reading]) -> Array:
        """The rows of readings; -1 for those that have none."""
        return rows_of(readings, self._state.rows)

    def last_of_sessions(self, rows: Array) -> Array:
        """The last position in `rows` of every session that occurs in them."""
        last = np.full(len(self._state.sessions), -1, dtype=np.int64)
        last[self._state.grid.members.session[rows]] = np.arange(len(rows))
        found: Array = last[last >= 0]
        return found

    def tick(self, now_ms: int, caught_up: bool) -> None:  # the flow's contract
        """Once a second: what depends on the time of day, and housekeeping."""
        self._now_ms, self._caught_up = now_ms, caught_up
        self._state.grid.settle_old(SETTLE_SLACK_S, now_ms // 1000, self._close_minutes)
        if caught_up:
            self._signals.look(now_ms)
        self._updates.watch_presence(now_ms)
        held = set(self._state.position)
        if caught_up and self._state.put_away(now_ms):
            self._desk.book.forget(held - set(self._state.position))
            self._desk.renumber()
            self._updates.renumber()

    def take_live(self, now_ms: int, most: int | None = None) -> list[LiveUpdate]:
        """Per session what changed since the last call, or the whole picture when it is due; about `most` rows at once."""
        return self._updates.take(now_ms, most)

    @property
    def live_left(self) -> bool:
        """Whether the last `take_live` left something for the next."""
        return self._updates.left

    def take_alerts(self) -> list[Alert]:
        """New states of alerts since the last call."""
        return self._desk.book.take()

    def take_minutes(self) -> list[MemberMinute]:
        """Member-minutes that closed, or that changed after they had."""
        closed, self._book.closed = self._book.closed, []
        return closed

    def take_summaries(self, may_repeat: Callable[[str], bool] = lambda _session_id: True) -> list[SessionSummary]:
        """Summaries of sessions that ended, or that took readings in after their summary and have been quiet since.

        One that was told before waits until it may be repeated.
        """
        return self._summaries.take(self._now_ms, may_repeat) if self._caught_up else []

    def take_recomputations(self, now_ms: int) -> list[str]:
        """Ended sessions whose totals here lack something that is stored, once no more has come for 3 s."""
        return self._summaries.take_recomputations(now_ms)

    def take_rejected(self) -> list[tuple[Reading, str]]:
        """Readings that belong nowhere, with the reason: `unknown_session` or `unknown_member`."""
        return self._unplaced.take_rejected()

    def final_summary(
        self, session_id: str, *, revision: int, late_events: int, computed_from: str, alerts: Mapping[int, int] | None
    ) -> SessionSummary:
        """The summary of a session as it stands, whatever was told of it before."""
        session = self._state.sessions[self._state.position[session_id]]
        return self._summaries.make(
            session, revision=revision, late_events=late_events, computed_from=computed_from, alerts=alerts
        )

    def all_minutes(self, session_id: str) -> list[MemberMinute]:
        """Minutes not taken yet, closed or still open, of this session."""
        book = self._book.provisional()
        rows = self._state.all_rows(self._state.sessions[self._state.position[session_id]])
        self._state.grid.present_by_minutes(rows, book.close)
        return [minute for minute in self.take_minutes() if minute.session_id == session_id] + book.closed

    def take(self, batch: Batch) -> Array:
        """Take readings in, in the order of arrival, whose rows are known; returns which of them are late."""
        arrival = stable_order(batch.rows)
        late = np.empty(len(batch), dtype=bool)
        late[arrival] = self._take_sorted(batch.part(arrival), arrival)
        return late

    def _take_sorted(self, batch: Batch, arrival: Array) -> Array:
        """Readings sorted by row, each row's in the order of arrival; `arrival` is the place of each among all."""
        columns = self._state.columns
        session = self._state.grid.members.session[batch.rows].astype(np.int64)
        second = batch.at_ms // 1000 - columns.started_s[session]
        counts = batch.measured()
        counts &= second >= 0
        counts &= second <= columns.ended[session]
        if counts.all():
            return self._count(batch, second, session, arrival) if len(batch) else counts
        late = np.zeros(len(batch), dtype=bool)
        counting = np.flatnonzero(counts)
        if len(counting):
            late[counting] = self._count(batch.part(counting), second[counting], session[counting], arrival[counting])
        return late

    def _count(self, batch: Batch, second: Array, session: Array, arrival: Array) -> Array:
        """As `_take_sorted`, of readings that count, with their seconds from the session's start and their sessions."""
        self._desk.note_stored(batch, second)
        late = self._state.grid.accept(batch, second, self._close_minutes)
        self._note(session, batch, late)
        self._desk.take(batch, second, arrival)
        return late

    def _note(self, session: Array, batch: Batch, late: Array) -> None:
        """What readings mean for their sessions: how new the session's news are, and what an ended one must do again."""
        columns = self._state.columns
        some_late = late.any()
        of, at_ms, received_ms = session, batch.at_ms, batch.received_ms
        if some_late:
            of, at_ms, received_ms = of[~late], at_ms[~late], received_ms[~late]
        starts = starts_of_runs(of)
        if len(starts):
            np.maximum.at(columns.newest_event_ms, of[starts], of_runs(np.maximum, at_ms, starts))
            np.maximum.at(columns.newest_received_ms, of[starts], of_runs(np.maximum, received_ms, starts))
        over = columns.ended != ENDLESS
        if not some_late and not over.any():
            return
        special = late | over[session]
        for at in np.unique(session[special]).tolist() if special.any() else ():
            one = self._state.sessions[at]
            one.late_events += int((late & (session == at)).sum())
            one.touched_ms = self._now_ms
            one.recompute_due |= one.late_events > 0
            if one.ended_at_ms is not None and one.late_events == 0:
                self._summaries.want(one)

    def _close_minutes(self, rows: Array, totals: Totals, minute: Array) -> None:
        before = len(self._book.closed)
        self._book.close(rows, totals, minute)
        self._desk.take_minutes(self._book.closed[before:])

    def _hear(self, session: Session, event: AppEvent) -> None:
        members = self._state.grid.members
        session.hear_pause(event)
        row = session.rows.get(event.member_id or 0)
        if isinstance(event, AlertAcknowledged):
            self._desk.book.acknowledge(event)
        elif isinstance(event, SessionEnded) and session.ended_at_ms is None:
            self._end(session, event.event_time_ms)
        elif isinstance(event, CheckedIn) and row is not None:
            members.checked_in[row], members.checked_out[row], members.changed[row] = True, False, True
        elif isinstance(event, CheckedOut) and row is not None:
            members.checked_out[row], members.changed[row] = True, True

    def _end(self, session: Session, ended_at_ms: int) -> None:
        spoiled = self._state.end(session, ended_at_ms)
        session.recompute_due |= spoiled
        self._desk.book.end(session.record.session_id, ended_at_ms)
        self._summaries.want(session)
