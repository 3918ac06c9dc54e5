"""The second grid of all members: takes readings in whatever order, folds what can no longer change, shows the rest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.batch import Batch
from pipelines.steps.columns import Array
from pipelines.steps.members import CADENCE, HEART_RATE, POWER, SPEED, Members
from pipelines.steps.physiology import Physiology
from pipelines.steps.ring import SLOTS, VALUE_BITS, VALUE_MASK, SecondRing
from pipelines.steps.rr_log import RrLog, beat_codes
from pipelines.steps.segments import ends_of_runs, of_runs, running_maximum, starts_of_runs
from pipelines.steps.totals import HISTORY, Stretch, Totals, fold
from pipelines.steps.way_log import WayLog

LATE_S: Final = 60
"""A reading further behind its member's newest second is late."""
_OPEN_S: Final = SLOTS - HISTORY - 1
"""So many seconds at most may wait to be folded: with the history they fill the ring."""
_UNSURE_S: Final = 3
"""Readings of the last seconds are still on their way: what is shown is folded anew for so long."""
_BEATS_SLACK_S: Final = 15
_STEP_S: Final = _OPEN_S - LATE_S - 1
"""So far at most a member's newest second may move at once."""

MinuteSink = Callable[[Array, Totals, Array], None]
"""Told of minutes that closed: rows, their totals at the minute's end, and the minute's first second."""


@dataclass
class Grid:
    """Members, their rings and their totals. Seconds count from the start of each member's session."""

    members: Members = field(default_factory=Members)
    totals: Totals = field(default_factory=Totals)
    body: Physiology = field(default_factory=Physiology)
    rings: tuple[SecondRing, ...] = field(default_factory=lambda: tuple(SecondRing() for _ in range(4)))
    beats: RrLog = field(default_factory=RrLog)
    way: WayLog = field(default_factory=WayLog)
    shown: Totals = field(default_factory=Totals)
    """Totals folded almost to the newest second, so that showing them costs a few seconds and not a minute of folding.

    They hold until a reading lands in a second that they contain; then they start again from `totals`.
    """

    def grow(self, count: int) -> None:
        """Append rows for members that joined."""
        for table in (self.members, self.totals, self.shown, self.body):
            table.grow(count)
        for ring in self.rings:
            ring.grow(count)
        self.beats.grow(count)
        self.way.grow(count)

    def keep(self, rows: Array) -> None:
        """Forget every row but these."""
        for table in (self.members, self.totals, self.shown, self.body):
            table.keep(rows)
        for ring in self.rings:
            ring.keep(rows)
        self.beats.keep(rows)
        self.way.keep(rows)

    def accept(self, batch: Batch, seconds: Array, on_minute: MinuteSink) -> Array:
        """Take readings in, sorted by row and each row's in the order of arrival; returns which are late and were left out."""
        rows, starts = batch.rows, starts_of_runs(batch.rows)
        newest = running_maximum(seconds, rows, starts, self.members.head[rows[starts]])
        late = seconds < newest - LATE_S
        base, reached = newest[starts], newest[ends_of_runs(starts, len(rows))]
        if (reached - base < _STEP_S).all() and not late.any():
            self._advance(rows[starts], reached, base, on_minute)
            self._write(batch, seconds, base, starts)
            return late
        base = np.repeat(base, np.diff(starts, append=len(rows)))
        rounds = (newest - base) // _STEP_S
        for step in np.unique(rounds).tolist():
            chosen = np.flatnonzero((rounds == step) & ~late)
            if not len(chosen):
                continue
            starts = starts_of_runs(rows[chosen])
            ends = chosen[ends_of_runs(starts, len(chosen))]
            floor = base[ends] + step * _STEP_S
            self._advance(rows[ends], newest[ends], floor, on_minute)
            self._write(batch.part(chosen), seconds[chosen], floor, starts)
        return late

    def settle(self, rows: Array, target: Array, on_minute: MinuteSink) -> None:
        """Fold everything up to each row's target second for good; nothing older can come any more."""
        self._fold_by_minutes(self.totals, rows, rows, target, on_minute)

    def settle_old(self, slack_s: int, turn: int, on_minute: MinuteSink) -> None:
        """Fold what lies more than 60 s back, for rows whose turn it is or where more than `slack_s` seconds of it wait.

        In turns, because classes that began together would all be folded, and their minutes closed, in the same moment.
        """
        target = self.members.head - LATE_S - 1
        waiting, turns = target - self.totals.folded, slack_s + 1
        due = waiting > slack_s
        due[turn % turns :: turns] = waiting[turn % turns :: turns] > 0
        rows = np.flatnonzero(due)
        if len(rows):
            self.settle(rows, target[rows], on_minute)
        self.beats.settle(self.members.head, LATE_S, _BEATS_SLACK_S, turn)
        self.way.settle(self.members.head, LATE_S)

    def present(self, rows: Array) -> Totals:
        """Totals including the newest second: a copy, row by row as asked."""
        head = self.members.head[rows].astype(np.int64)
        again = rows[self.members.disturbed[rows] | (self.shown.folded[rows] < self.totals.folded[rows])]
        if len(again):
            self.shown.put(again, self.totals.take(again))
            self.members.disturbed[again] = False
        self._fold_through(self.shown, rows, rows, head - _UNSURE_S)
        totals = self.shown.take(rows)
        self._fold_through(totals, np.arange(len(rows)), rows, head)
        return totals

    def present_by_minutes(self, rows: Array, on_minute: MinuteSink) -> None:
        """Tell of all minutes not yet closed, up to the newest second; changes nothing."""
        totals = self.totals.take(rows)
        self._fold_by_minutes(totals, np.arange(len(rows)), rows, self.members.head[rows], on_minute, close_last=True)

    def recent(self, metric: int, rows: Array, width: int) -> Array:
        """Cells of the last `width` seconds up to each row's newest second; the newest is in the last column."""
        start = self.members.head[rows].astype(np.int64) - width + 1
        cells = self.rings[metric].window(rows, start, width)
        cells[(start[:, None] + np.arange(width)) < 0] = 0
        return cells

    def cut(self, rows: Array, end: Array) -> bool:
        """Forget what lies after each row's `end` second; whether totals already contain something of it."""
        beyond = self.members.head[rows] > end
        rows, end = rows[beyond], end[beyond].astype(np.int64)
        if len(rows):
            self.members.head[rows] = end
            self.members.disturbed[rows] = True
            for metric in (HEART_RATE, POWER, CADENCE, SPEED):
                self._cut_newest(metric, rows, end)
            self.beats.cut(rows, end)
            return bool((self.way.cut(rows, end) | (self.totals.folded[rows] > end)).any())
        return False

    def stored(self) -> dict[str, Any]:
        """Plain arrays for a snapshot: of the rings what may still change and what is not folded yet."""
        heads = self.members.head.astype(np.int64)
        width = max(LATE_S + 1, int((heads - self.totals.folded).max(initial=0)))
        rings = [ring.stored(heads, min(width + (metric == POWER) * HISTORY, SLOTS)) for metric, ring in enumerate(self.rings)]
        tables = {"members": self.members.stored(), "totals": self.totals.stored()}
        return tables | {"rings": rings, "beats": self.beats.stored(), "way": self.way.stored()}

    @classmethod
    def of_stored(cls, state: dict[str, Any]) -> Self:
        """The grid that `state` described, its physiology still to be filled in."""
        way = WayLog.of_stored(state["way"]) if "way" in state else _way_of_range(state["members"])
        members, totals, body = Members.of_stored(state["members"]), Totals.of_stored(state["totals"]), Physiology()
        body.grow(len(members))
        heads = members.head.astype(np.int64)
        rings = tuple(SecondRing.of_stored(ring, heads) for ring in state["rings"])
        shown = totals.take(np.arange(len(totals)))
        return cls(members, totals, body, rings, RrLog.of_stored(state["beats"]), way, shown)

    def _advance(self, rows: Array, newest: Array, floor: Array, on_minute: MinuteSink) -> None:
        """Move heads of rows that ascend; of each, nothing before `floor` - 60 can come from here on."""
        full = newest - self.totals.folded[rows] > _OPEN_S
        if full.any():
            self.settle(rows[full], floor[full] - LATE_S - 1, on_minute)
        head = self.members.head[rows]
        reached = np.where(head < 0, 0, np.minimum(newest - head, SLOTS))
        cleared = np.repeat(rows, reached)
        if len(cleared):
            seconds = np.repeat(newest + np.cumsum(reached) - reached, reached) - np.arange(len(cleared))
            for ring in self.rings:
                ring.clear(cleared, seconds)
        self.members.head[rows] = newest

    def _write(self, batch: Batch, seconds: Array, floor: Array, starts: Array) -> None:
        """Write readings sorted by row down; `starts` are the rows' first ones, `floor` as for `_advance`."""
        members, rows = self.members, batch.rows
        of = rows[starts]
        at_ms = batch.at_ms - (batch.at_ms // 1000 - seconds) * 1000
        first_ms = of_runs(np.minimum, at_ms, starts)
        members.first_ms[of] = np.minimum(members.first_ms[of], first_ms)
        members.changed[of] = True
        members.disturbed[of] |= first_ms // 1000 <= self.shown.folded[of]
        if batch.distance_cm is not None:
            far = np.flatnonzero(batch.distance_cm >= 0)
            self.way.add(rows[far], at_ms[far], batch.distance_cm[far])
        if batch.intervals:
            event = batch.intervals.event
            codes = beat_codes(at_ms[event], batch.intervals.place, batch.intervals.rr_ms)
            horizon = np.repeat(floor - LATE_S - 1, np.diff(starts, append=len(rows)))
            self.beats.add(rows[event], codes, horizon[event])
        for metric, cells in batch.cells.items():
            held = np.flatnonzero(cells)
            chosen = held if len(held) < len(rows) else slice(None)
            if len(held):
                timed = at_ms[chosen] << VALUE_BITS | cells[chosen] & VALUE_MASK
                self._write_metric(metric, rows[chosen], seconds[chosen], cells[chosen], timed)

    def _write_metric(self, metric: int, rows: Array, seconds: Array, cells: Array, timed: Array) -> None:
        """Values of one metric, sorted by row; `timed` as in `Members.newest`."""
        self.rings[metric].offer(rows, seconds, cells)
        starts, newest = starts_of_runs(rows), self.members.newest[:, metric]
        newest[rows[starts]] = np.maximum(newest[rows[starts]], of_runs(np.maximum, timed, starts))

    def _fold_through(self, totals: Totals, at: Array, rows: Array, target: Array) -> None:
        """Fold rows of `totals` at positions `at`, which are members `rows`, through each one's target second."""
        start = totals.folded[at].astype(np.int64) + 1
        known = np.minimum(target, self.members.head[rows]) - start + 1
        busy = np.flatnonzero(known > 0)
        if len(busy):
            part = totals.take(at[busy])
            fold(part, self._stretch(rows[busy], start[busy], known[busy]), self.body, rows[busy])
            totals.put(at[busy], part)
        totals.folded[at] = np.maximum(totals.folded[at], target)

    def _stretch(self, rows: Array, start: Array, lengths: Array) -> Stretch:
        width = int(lengths.max())
        beyond = np.arange(width) >= lengths[:, None]
        windows = [self.rings[m].window(rows, start, width) for m in (HEART_RATE, CADENCE, SPEED)]
        power = self.rings[POWER].window(rows, start - HISTORY, width + HISTORY)
        for window in (*windows, power[:, HISTORY:]):
            window[beyond] = 0
        power[:, :HISTORY][(start[:, None] + np.arange(-HISTORY, 0)) < 0] = 0
        return Stretch(start, windows[0], power, windows[1], windows[2])

    def _fold_by_minutes(
        self,
        totals: Totals,
        at: Array,
        rows: Array,
        target: Array,
        on_minute: MinuteSink,
        *,
        close_last: bool = False,
    ) -> None:
        target = target.astype(np.int64)
        while len(rows):
            start = totals.folded[at].astype(np.int64) + 1
            minute = start - (start + self.members.phase[rows]) % 60
            end = np.minimum(target, minute + 59)
            self._fold_through(totals, at, rows, end)
            done = end >= target
            closed = (end == minute + 59) | (done & close_last)
            if closed.any():
                on_minute(rows[closed], totals.take(at[closed]), minute[closed])
                totals.minute_max[at[closed]] = 0
            idle = closed & (self.members.head[rows] <= end)
            totals.folded[at[idle]] = np.maximum(target[idle], totals.folded[at[idle]])
            on = ~done & ~idle
            at, rows, target = at[on], rows[on], target[on]

    def _cut_newest(self, metric: int, rows: Array, end: Array) -> None:
        newest = self.members.newest[rows, metric]
        over = newest >> VALUE_BITS >= (end + 1) * 1000
        rows, end = rows[over], end[over]
        cells = self.recent(metric, rows, LATE_S + 1).astype(np.int64)
        seconds = end[:, None] + np.arange(1 - cells.shape[1], 1)
        at_ms = seconds * 1000 + (cells >> VALUE_BITS) - 1
        found = np.where(cells != 0, at_ms << VALUE_BITS | cells & VALUE_MASK, -1)
        self.members.newest[rows, metric] = found.max(axis=1)


def _way_of_range(members: dict[str, Any]) -> WayLog:
    """Of a snapshot written before counters that start again were added up; takes its two columns out."""
    size, columns = members["size"], members["columns"]
    low = columns.pop(("distance_low_cm", None), np.full(size, 2**31 - 1))
    high = columns.pop(("distance_high_cm", None), np.full(size, -1))
    return WayLog.of_range(low, high)
