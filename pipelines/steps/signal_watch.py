"""Rules that follow the clock and not the readings: signals that stopped, members who never came, alerts nobody noticed.

They are judged once a second, and only while the flow is caught up: a flow that works off a backlog knows nothing of now.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from pipelines.steps.alert_desk import AlertDesk
from pipelines.steps.alert_state import CLASS, Key
from pipelines.steps.alert_text import class_message, member_message
from pipelines.steps.alert_track import Sighting, Verdict
from pipelines.steps.columns import Array
from pipelines.steps.members import HEART_RATE
from pipelines.steps.presence import LEFT_AFTER_MS, STALE_AFTER_MS, newest_ms
from pipelines.steps.ring import VALUE_BITS
from pipelines.steps.session import Session
from pipelines.steps.shard_state import ShardState
from schemas.alerts import Alert, AlertRule

CLOCK_RULES: Final[frozenset[AlertRule]] = frozenset({"lost_signal", "low_attendance"})
"""What these say of a moment is not said again when its stretch of the log is repeated later."""
TOGETHER_MIN = 3
"""From so many members on, all silent at once, it is the room's receiver and not their straps …"""
TOGETHER_MS = 10_000
"""… and at once is within so long: their last values are some seconds apart, and a look falls between them."""


class SignalWatch:
    """Looks at every running session at a moment."""

    def __init__(self, state: ShardState, desk: AlertDesk) -> None:
        self._state = state
        self._desk = desk

    def look(self, now_ms: int) -> None:
        """Judge signals and attendance, repeat what waits for somebody."""
        state, members = self._state, self._state.grid.members
        rows = np.arange(len(members))
        heart = members.newest[:, HEART_RATE] >> VALUE_BITS
        newest = np.where(heart >= 0, heart, newest_ms(members, rows))
        age = now_ms - state.columns.started_s[members.session] * 1000 - newest
        self._clear_lost(newest, age)
        running = np.array([session.state == "active" for session in state.sessions], dtype=bool)
        if len(rows):
            self._raise_lost(newest, age, running[members.session], now_ms)
            self._judge_attendance(running, now_ms)
        self._desk.book.repeat(now_ms, {s.record.session_id for s in state.sessions if s.state != "active"})

    def recall(self, alerts: Iterable[Alert]) -> None:
        """Take up what was told and then forgotten, when a process died before its checkpoint.

        Only what followed the clock: nobody else would ever say that it is over. All other rules come to the same again.
        """
        for alert in alerts:
            session = self._state.session(alert.session_id)
            over = alert.session_id in self._state.archive or (session is not None and session.ended_at_ms is not None)
            if alert.rule in CLOCK_RULES and not over and self._desk.book.recall(alert) and session is not None:
                member = alert.member_id or CLASS
                session.alerts_by_member[member] = session.alerts_by_member.get(member, 0) + 1

    def _raise_lost(self, newest: Array, age: Array, running: Array, now_ms: int) -> None:
        members, config = self._state.grid.members, self._desk.config
        span_s = (newest - members.first_ms) // 1000
        had = running & (newest >= 0) & (span_s >= config.lost_needs_s) & ~members.checked_out & ~members.removed
        lost = had & (age > config.lost_after_ms) & (age <= LEFT_AFTER_MS)
        if not lost.any():
            return
        count = len(self._state.sessions)
        silent = had & (age > config.lost_after_ms - TOGETHER_MS) & (age <= LEFT_AFTER_MS)
        heard = np.bincount(members.session[had & (age <= config.lost_after_ms - TOGETHER_MS)], minlength=count)
        together = (heard == 0) & (np.bincount(members.session[silent], minlength=count) >= TOGETHER_MIN)
        for at in np.flatnonzero(together & (np.bincount(members.session[lost], minlength=count) > 0)).tolist():
            mine = lost & (members.session == at)
            self._raise(self._state.sessions[at], CLASS, int(newest[mine].max()), int(age[mine].min()))
        for row in np.flatnonzero(lost & ~together[members.session]).tolist():
            session = self._state.sessions[members.session[row]]
            if not self._returning(session, now_ms):
                self._raise(session, int(members.member_id[row]), int(newest[row]), int(age[row]))

    def _returning(self, session: Session, now_ms: int) -> bool:
        """Whether the whole class was silent until a moment ago: then nobody is told for being the last to be heard again."""
        together = self._desk.book.track((session.record.session_id, CLASS, "lost_signal"))
        return together is not None and now_ms < together.quiet_until * 1000

    def _raise(self, session: Session, member_id: int, newest: int, age: int) -> None:
        key: Key = (session.record.session_id, member_id, "lost_signal")
        track, second = self._desk.book.track(key), session.started_s + newest // 1000
        if track is not None and (track.alert_id is not None or second < track.quiet_until):
            return
        seconds, bound = age / 1000, self._desk.config.lost_after_ms / 1000
        person = session.people.get(member_id)
        sentence = (
            member_message("lost_signal", person, seconds, bound, 0) if person else class_message("lost_signal", seconds, bound)
        )
        self._desk.book.raise_alert(session, key, second, Sighting(Verdict.OUTSIDE, seconds, bound), sentence)

    def _clear_lost(self, newest: Array, age: Array) -> None:
        members = self._state.grid.members
        for alert in self._desk.book.all_active("lost_signal"):
            session = self._state.session(alert.session_id)
            if session is None or (alert.member_id is not None and alert.member_id not in session.rows):
                continue
            rows = self._state.all_rows(session) if alert.member_id is None else [session.rows[alert.member_id]]
            back = max(int(newest[row]) for row in rows) // 1000 + session.started_s
            gone = all(age[row] > LEFT_AFTER_MS or members.checked_out[row] for row in rows)
            heard = back > alert.raised_at_ms // 1000 and min(int(age[row]) for row in rows) <= STALE_AFTER_MS
            if heard or gone:
                self._desk.book.clear((alert.session_id, alert.member_id or CLASS, "lost_signal"), back)

    def _judge_attendance(self, running: Array, now_ms: int) -> None:
        """Judged when all should be there, and over when enough have come after all."""
        state, members = self._state, self._state.grid.members
        due_ms = (state.columns.started_s + self._desk.config.attendance_after_s) * 1000
        due = running & (now_ms >= due_ms)
        if not due.any():
            return
        came = (members.newest >= 0).any(axis=1) | members.checked_in
        attended = np.bincount(members.session[came], minlength=len(due))
        bounds = np.array([session.record.limits.attendance_low for session in state.sessions])
        expected = np.array([len(session.record.participants) for session in state.sessions])
        rate = attended / np.maximum(expected, 1)
        for at in np.flatnonzero(due & (expected > 0)).tolist():
            self._attend(state.sessions[at], int(due_ms[at]) // 1000, float(rate[at]), float(bounds[at]), now_ms)

    def _attend(  # one judgement
        self, session: Session, due_s: int, rate: float, bound: float, now_ms: int
    ) -> None:
        key: Key = (session.record.session_id, CLASS, "low_attendance")
        track = self._desk.book.track(key)
        if rate >= bound:
            if track is not None:
                self._desk.book.clear(key, now_ms // 1000)
        elif track is None:
            sighting = Sighting(Verdict.OUTSIDE, rate, bound)
            self._desk.book.raise_alert(session, key, due_s, sighting, class_message("low_attendance", rate, bound))
