"""How far each member came by their device's own running distance, which may start again (another sport, a new lap).

A sample is one number, `millisecond from the session's start << 27 | centimetres`, so sorting puts samples in order and equal
numbers are the same sample come twice. What can no longer change is summed up; of the last minute the samples are kept.
"""

from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.moving import starts_again
from pipelines.steps.segments import before, first_of_run, last_of_run, running_maximum

_CM_BITS: Final = 27
_CM: Final = (1 << _CM_BITS) - 1
_OPEN_MIN: Final = 256
"""Fewer open samples are not worth a look; with more, it takes as many new ones as were left the last time."""
_WORTH_CM: Final = 20_000
_SPEED_CM_S: Final = 1_500
_SLACK_CM: Final = 1_000
"""A counter was started again when it stood at 200 m at least and stands at no more than somebody on a fast bicycle came since.

Else two devices of one member, told in turn, would start each other again every second.
"""


class Ways(Table):
    """One row a member: what is summed up, up to and including the `counted` second."""

    way_cm: Array = column(np.int64)
    mark_cm: Array = column(np.int64, fill=-1)
    """The greatest sample since the counter started; -1: none yet."""
    last_cm: Array = column(np.int64)
    last_ms: Array = column(np.int64, fill=-1)
    """The newest sample in the sum."""


class WayLog:
    """Takes samples in any order and again, as long as none is older than what was summed up for good."""

    def __init__(self) -> None:
        self._ways = Ways()
        self._open: list[tuple[Array, Array]] = []
        self._waiting = 0
        self._left = _OPEN_MIN

    def grow(self, count: int) -> None:
        """Know `count` more rows."""
        self._ways.grow(count)

    def add(self, rows: Array, at_ms: Array, distance_cm: Array) -> None:
        """Take samples in; times count from the session's start."""
        self._open.append((rows.astype(np.int32), at_ms << _CM_BITS | distance_cm))
        self._waiting += len(rows)

    def settle(self, heads: Array, late_s: int) -> None:
        """Sum up what lies more than `late_s` before each row's newest second, when enough samples wait."""
        if self._waiting <= 2 * self._left:
            return
        rows, codes = self._sorted()
        final = _seconds(codes) < heads[rows] - late_s
        self._sum(self._ways, rows[final], codes[final])
        self._hold(rows[~final], codes[~final])

    def metres(self, chosen: Array) -> Array:
        """The way of each of these rows, the newest samples included; NaN for those that never told any."""
        rows, codes = self._sorted()
        self._hold(rows, codes)
        whole = self._ways.take(np.arange(len(self._ways)))
        self._sum(whole, rows, codes)
        return np.where(whole.mark_cm >= 0, whole.way_cm / 100.0, np.nan)[chosen]

    def cut(self, chosen: Array, end: Array) -> Array:
        """Forget what lies after each row's `end` second; which of these rows have some of it in their sum already."""
        rows, codes = self._sorted()
        last = np.full(len(self._ways), np.iinfo(np.int64).max)
        last[chosen] = end
        kept = _seconds(codes) <= last[rows]
        self._hold(rows[kept], codes[kept])
        spoiled: Array = self._ways.last_ms[chosen] // 1000 > end
        return spoiled

    def keep(self, chosen: Array) -> None:
        """Forget every row but these."""
        rows, codes = self._sorted()
        number = np.full(len(self._ways), -1, dtype=np.int32)
        number[chosen] = np.arange(len(chosen), dtype=np.int32)
        held = number[rows] >= 0
        self._ways.keep(chosen)
        self._hold(number[rows[held]], codes[held])

    def stored(self) -> dict[str, Any]:
        """For a snapshot."""
        rows, codes = self._sorted()
        self._hold(rows, codes)
        return {"ways": self._ways.stored(), "rows": rows.copy(), "codes": codes.copy()}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The log that `stored` described."""
        log = cls()
        log._ways = Ways.of_stored(stored["ways"])
        log._hold(stored["rows"], stored["codes"])
        return log

    @classmethod
    def of_range(cls, low_cm: Array, high_cm: Array) -> Self:
        """The log of an older snapshot, which held the least and the greatest sample of each member; -1: none."""
        log = cls()
        log.grow(len(low_cm))
        known = high_cm >= 0
        log._ways.way_cm[known] = high_cm[known].astype(np.int64) - low_cm[known]
        log._ways.mark_cm[:] = log._ways.last_cm[:] = high_cm
        return log

    def _sorted(self) -> tuple[Array, Array]:
        """Open samples by row and time, each once."""
        if not self._open:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
        rows, codes = (np.concatenate(parts) for parts in zip(*self._open, strict=True))
        order = np.lexsort((codes, rows))
        rows, codes = rows[order], codes[order]
        fresh = first_of_run(rows)
        fresh[1:] |= codes[1:] != codes[:-1]
        return rows[fresh], codes[fresh]

    def _hold(self, rows: Array, codes: Array) -> None:
        self._open = [(rows, codes)] if len(rows) else []
        self._waiting = len(rows)
        self._left = max(len(rows), _OPEN_MIN)

    @staticmethod
    def _sum(ways: Ways, rows: Array, codes: Array) -> None:
        """Add samples, sorted by row and time, to the sums."""
        if not len(rows):
            return
        total, at_ms, first, last = codes & _CM, codes >> _CM_BITS, first_of_run(rows), last_of_run(rows)
        stood = before(total, first, ways.last_cm[rows[first]])
        since_ms = at_ms - before(at_ms, first, ways.last_ms[rows[first]])
        again = starts_again(total, stood) & (stood >= _WORTH_CM)
        again &= total <= _SPEED_CM_S * since_ms // 1000 + _SLACK_CM
        again[first] &= ways.mark_cm[rows[first]] >= 0
        begins = first | again
        carried = np.where(again, -1, ways.mark_cm[rows])[begins]
        mark = running_maximum(total, np.cumsum(begins), begins, carried)
        earlier = before(mark, first, ways.mark_cm[rows[first]])
        base = np.where(again, 0, np.where(earlier >= 0, earlier, total))
        np.add.at(ways.way_cm, rows, mark - base)
        ways.mark_cm[rows[last]], ways.last_cm[rows[last]], ways.last_ms[rows[last]] = mark[last], total[last], at_ms[last]


def _seconds(codes: Array) -> Array:
    seconds: Array = (codes >> _CM_BITS) // 1000
    return seconds
