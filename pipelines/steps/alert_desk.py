"""Where all alert rules meet the shard's data: who needs a look, what their rules say, and what becomes of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from pipelines.steps.alert_state import CLASS, AlertBook, Key
from pipelines.steps.alert_text import class_message, member_message
from pipelines.steps.alert_track import Sighting, Verdict
from pipelines.steps.alerts import AlertConfig
from pipelines.steps.batch import SPEED_STEPS, Batch
from pipelines.steps.class_plan import in_main_part
from pipelines.steps.class_watch import ClassSlices, ClassWatch
from pipelines.steps.columns import Array
from pipelines.steps.fatigue import REFERENCE_MINUTES, Minute, efficiency
from pipelines.steps.heart_watch import ClosedSeconds, close_seconds
from pipelines.steps.intensity import intensity_score
from pipelines.steps.limits import (
    HEART_RULES,
    OUTPUT_RULES,
    PACE_RULES,
    PEDALLING_WATTS,
    POWER_RULES,
    LimitColumns,
    judge_heart_rate,
    judge_pace,
    judge_power,
)
from pipelines.steps.live_columns import MOVING_MPS
from pipelines.steps.members import HEART_RATE, POWER, SPEED
from pipelines.steps.output_watch import OutputTrack
from pipelines.steps.results import MemberMinute
from pipelines.steps.ring import VALUE_MASK
from pipelines.steps.session import Session
from pipelines.steps.shard_state import ShardState
from schemas.alerts import AlertRule

SEEN_MIN: Final = 45
"""Seconds with a value below which a minute is no evidence of fatigue."""


class AlertDesk:
    """Feeds the alert book. Everything here follows the readings' own time; `signal_watch` has what follows the clock."""

    def __init__(self, state: ShardState, config: AlertConfig, stored: dict[str, Any] | None) -> None:
        self.config = config
        self._state = state
        self.book = AlertBook.of_stored(config, stored["book"]) if stored else AlertBook(config)
        self._outputs: dict[tuple[str, int, int], OutputTrack] = {}
        self._slices: dict[str, ClassSlices] = {}
        self._classes = ClassWatch()
        self._efforts: dict[tuple[str, int], dict[int, Minute]] = {}
        if stored:
            self._outputs = {tuple(key): OutputTrack.of_stored(kept) for key, kept in stored["outputs"]}
            self._slices = {session_id: ClassSlices.of_stored(kept) for session_id, kept in stored["slices"].items()}
            self._efforts = {tuple(key): dict(kept) for key, kept in stored["efforts"]}
        self._limits = LimitColumns()
        self.renumber()

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        self._classes.settle()
        return {
            "book": self.book.stored(),
            "outputs": [(key, track.stored()) for key, track in self._outputs.items()],
            "slices": {session_id: kept.stored() for session_id, kept in self._slices.items()},
            "efforts": [(key, dict(kept)) for key, kept in self._efforts.items()],
        }

    def renumber(self) -> None:
        """Rows have been numbered anew."""
        self._limits = LimitColumns()
        self._classes.settle()
        self._classes = ClassWatch()
        held = set(self._state.position)
        for kept in (self._outputs, self._efforts):
            for key in [key for key in kept if key[0] not in held]:
                del kept[key]  # type: ignore[arg-type]  # either dict, its own keys
        self._slices = {session_id: kept for session_id, kept in self._slices.items() if session_id in held}
        for session in self._state.sessions:
            self.adopt(session)
        for session_id, member_id, rule in self.book.busy():
            row = self._state.rows[session_id].get(member_id)
            if rule in HEART_RULES:
                self._limits.busy[row] = True
            elif rule in OUTPUT_RULES:
                self._limits.output_busy[row] = self._limits.output[row] = True

    def adopt(self, session: Session) -> None:
        """The session's people or limits are others than before; an alert under a limit that is gone is over."""
        self._limits.grow(len(self._state.grid.members) - len(self._limits))
        slices = self._slices.setdefault(session.record.session_id, ClassSlices())
        if self._state.position[session.record.session_id] == len(self._classes):
            self._classes.append(slices)
        for member_id, row in session.rows.items():
            self._limits.describe(row, session.people[member_id])
            if self._limits.output_busy[row]:
                self._limits.output[row] = True

    def note_stored(self, batch: Batch, seconds: Array) -> None:
        """Remember which seconds come so late that nobody is to be alarmed about them; before their minutes close."""
        stored = np.flatnonzero(batch.received_ms - batch.at_ms > self.config.late_ms)
        if len(stored):
            watch, rows = self._state.watch, batch.rows[stored]
            np.minimum.at(watch.stored_from, rows, seconds[stored].astype(np.int32))
            np.maximum.at(watch.stored_until, rows, seconds[stored].astype(np.int32))

    def take(self, batch: Batch, seconds: Array, arrival: Array) -> None:
        """Readings sorted by row, each row's in the order of arrival, with their seconds from the session's start.

        `arrival` is their order over all rows.
        """
        fresh = batch.received_ms - batch.at_ms <= self.config.late_ms
        if not fresh.all():
            chosen = np.flatnonzero(fresh)
            batch, seconds, arrival = batch.part(chosen), seconds[chosen], arrival[chosen]
        if not len(batch):
            return
        self._take_heart_rates(batch, seconds, arrival)
        watched = np.flatnonzero(self._limits.output[batch.rows])
        if len(watched):
            self._take_outputs(batch, watched[np.argsort(arrival[watched])], seconds)

    def take_minutes(self, minutes: Iterable[MemberMinute]) -> None:
        """Closed minutes, for fatigue."""
        for minute in minutes:
            session = self._state.session(minute.session_id)
            if session and session.people[minute.member_id].limits.fatigue_drop_share is not None:
                self._judge_fatigue(session, minute)

    def observe(self, session: Session, member_id: int, rule: AlertRule, second: int, sighting: Sighting) -> None:
        """One observation of a member (or the class); `second` counts from the session's start."""
        key: Key = (session.record.session_id, member_id, rule)
        at = session.started_s + second
        held_back = session.ended_at_ms is not None or session.paused_at(at * 1000)
        held_s = self.book.observe(key, at, sighting, held_back=held_back)
        if held_s is None:
            return
        if member_id == CLASS:
            message = class_message(rule, sighting.value, sighting.bound)
        else:
            message = member_message(rule, session.people[member_id], sighting.value, sighting.bound, held_s)
        self.book.raise_alert(session, key, at, sighting, message)

    def _take_heart_rates(self, batch: Batch, seconds: Array, arrival: Array) -> None:
        if HEART_RATE not in batch.cells:
            return
        rows, cells = batch.rows, batch.cells[HEART_RATE]
        ahead = batch.at_ms - batch.received_ms > self.config.ahead_ms
        beating = cells != 0
        if not beating.all():
            rows, seconds, cells, ahead, arrival = (column[beating] for column in (rows, seconds, cells, ahead, arrival))
        closed = close_seconds(self._state.watch, rows, seconds, cells) if len(rows) else None
        if closed is None:
            return
        trusted = ~closed.suspect
        counts = trusted & ~ahead[closed.closed_by] if ahead.any() else trusted
        self._judge_class(closed, counts, arrival)
        limits = self._limits
        crossing = (closed.bpm >= limits.above[closed.rows]) | (closed.bpm < limits.below[closed.rows])
        crossing &= trusted
        noticed = limits.busy.copy()
        noticed[closed.rows[crossing]] = True
        look = np.flatnonzero(noticed[closed.rows] & trusted)
        if len(look):
            self._judge_hearts(closed.rows[look].tolist(), closed.seconds[look].tolist(), closed.bpm[look].tolist())

    def _judge_hearts(self, rows: list[int], seconds: list[int], bpm: list[int]) -> None:
        members = self._state.grid.members
        for row, second, value in zip(rows, seconds, bpm, strict=True):
            session, member_id = self._state.sessions[members.session[row]], int(members.member_id[row])
            member = session.people[member_id]
            main_part = member.limits.heart_rate_zone_low is not None and in_main_part(session, second, self.config)
            found = judge_heart_rate(member, value, self.config, main_part=main_part)
            self._observe_all(session, member_id, HEART_RULES, second, dict(found))
        for row in set(rows):
            session, member_id = self._state.sessions[members.session[row]], int(members.member_id[row])
            tracks = (self.book.track((session.record.session_id, member_id, rule)) for rule in HEART_RULES)
            self._limits.busy[row] = any(track and not track.idle for track in tracks)

    def _take_outputs(self, batch: Batch, watched: Array, seconds: Array) -> None:
        members = self._state.grid.members
        for metric in (metric for metric in (POWER, SPEED) if metric in batch.cells):
            held = watched[batch.cells[metric][watched] != 0]
            cells = batch.cells[metric][held]
            columns = zip(batch.rows[held].tolist(), seconds[held].tolist(), cells.tolist(), strict=True)
            for row, second, cell in columns:
                session, member_id = self._state.sessions[members.session[row]], int(members.member_id[row])
                track = self._outputs.setdefault(
                    (session.record.session_id, member_id, metric), OutputTrack(by_median=metric == SPEED)
                )
                closed = track.take(second, cell, cell & VALUE_MASK)
                if closed is None:
                    continue
                if metric == POWER and closed[1] >= PEDALLING_WATTS and self._limits.power_calls(row, closed[1]):
                    self._judge_power(session, row, member_id, *closed)
                elif metric == SPEED and self._limits.speed_calls(row, closed[1] / SPEED_STEPS):
                    self._judge_pace(session, row, member_id, closed[0], closed[1] / SPEED_STEPS)

    def _judge_power(self, session: Session, row: int, member_id: int, second: int, watts: float) -> None:  # one observation
        main_part = in_main_part(session, second, self.config)
        found = judge_power(session.people[member_id], watts, self.config, main_part=main_part)
        self._observe_all(session, member_id, POWER_RULES, second, dict(found))
        self._note_output(session, row, member_id)

    def _judge_pace(self, session: Session, row: int, member_id: int, second: int, mps: float) -> None:  # one observation
        if mps >= MOVING_MPS:
            main_part = in_main_part(session, second, self.config)
            found = judge_pace(session.people[member_id], mps, self.config, main_part=main_part)
            self._observe_all(session, member_id, PACE_RULES, second, dict(found))
            self._note_output(session, row, member_id)

    def _note_output(self, session: Session, row: int, member_id: int) -> None:
        tracks = (self.book.track((session.record.session_id, member_id, rule)) for rule in OUTPUT_RULES)
        self._limits.output_busy[row] = any(track and not track.idle for track in tracks)

    def _observe_all(  # one observation by several rules
        self, session: Session, member_id: int, rules: Sequence[AlertRule], second: int, found: Mapping[AlertRule, Sighting]
    ) -> None:
        """Observe what was found; a rule that no longer applies ends its alert."""
        for rule in rules:
            if rule in found:
                self.observe(session, member_id, rule, second, found[rule])
            else:
                self.book.clear((session.record.session_id, member_id, rule), session.started_s + second)

    def _judge_class(self, closed: ClosedSeconds, counts: Array, arrival: Array) -> None:
        """Of the closed seconds, those that count for their classes."""
        rows, seconds, bpm, closed_by = closed.rows, closed.seconds, closed.bpm, closed.closed_by
        if not counts.all():
            rows, seconds, bpm, closed_by = rows[counts], seconds[counts], bpm[counts], closed_by[counts]
        if not len(rows):
            return
        body = self._state.grid.body
        intensity = intensity_score(bpm, body.max_bpm[rows], body.resting_bpm[rows])
        session = self._state.grid.members.session[rows].astype(np.int64)
        for at, slices in self._classes.take(session, seconds, intensity, arrival[closed_by]):
            for second, mean in slices.means():
                self._judge_intensity(self._state.sessions[at], second, mean)

    def _judge_intensity(self, session: Session, second: int, mean: float) -> None:
        limits, margin = session.record.limits, self.config.intensity_hysteresis
        high = Verdict.OUTSIDE if mean > limits.intensity_high else Verdict.BETWEEN
        high = Verdict.INSIDE if mean <= limits.intensity_high - margin else high
        self.observe(session, CLASS, "class_intensity_high", second, Sighting(high, mean, limits.intensity_high))
        if in_main_part(session, second, self.config):
            low = Verdict.OUTSIDE if mean < limits.intensity_low else Verdict.BETWEEN
            low = Verdict.INSIDE if mean >= limits.intensity_low + margin else low
        else:
            low = Verdict.INSIDE
        self.observe(session, CLASS, "class_intensity_low", second, Sighting(low, mean, limits.intensity_low))

    def _judge_fatigue(self, session: Session, minute: MemberMinute) -> None:
        output = minute.power_avg_watts if minute.power_avg_watts is not None else minute.speed_avg_mps
        at = minute.minute // 60 - session.started_s // 60
        if not output or not minute.heart_rate_avg_bpm or minute.seconds_seen < SEEN_MIN:
            return
        minutes = self._efforts.setdefault((session.record.session_id, minute.member_id), {})
        minutes[at] = (minute.heart_rate_avg_bpm, output)
        for old in [m for m in minutes if m not in REFERENCE_MINUTES and m <= at - 5]:
            del minutes[old]
        found, share = efficiency(minutes, at), session.people[minute.member_id].limits.fatigue_drop_share
        if found is None or share is None or not found.comparable:
            return
        if self._is_past(session, minute):
            return
        calm = Verdict.INSIDE if found.drop <= share / 2 else Verdict.BETWEEN
        verdict = Verdict.OUTSIDE if found.drop > share else calm
        second = minute.minute + 59 - session.started_s
        self.observe(session, minute.member_id, "fatigue", second, Sighting(verdict, found.drop, share))

    def _is_past(self, session: Session, minute: MemberMinute) -> bool:
        watch, row = self._state.watch, session.rows[minute.member_id]
        first = minute.minute - session.started_s
        return bool(watch.stored_from[row] < first + 60 and watch.stored_until[row] >= first)
