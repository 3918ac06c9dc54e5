"""RR intervals of the members whose straps send them: the open minute beat by beat, the session as sums.

A beat is one number, `event millisecond << 22 | place in the event << 16 | interval`, so sorting puts beats in order and equal
numbers are the same beat come twice.
"""

from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.segments import first_of_run
from pipelines.steps.variability import NEIGHBOURS, accepted_beats, usable

CAPACITY: Final = 384
_AT_ONCE: Final = 128
_TIME_BITS: Final = 22
_EMPTY: Final = 2**63 - 1
BREAK_MS: Final = 3_000
"""Beats whose notifications lie further apart are not neighbours: some were lost between them."""


class Beats(Table):
    """One row a member that sends intervals; `squares` to `rejected` sum up the beats until `counted`."""

    kept: Array = column(np.int64, CAPACITY, fill=_EMPTY)
    filled: Array = column(np.int32)
    counted: Array = column(np.int64, fill=-1)
    squares: Array = column(np.int64)
    differences: Array = column(np.int32)
    accepted: Array = column(np.int32)
    beats: Array = column(np.int32)


def beat_codes(at_ms: Array, place: Array, rr_ms: Array) -> Array:
    """Beats as numbers; times count from the session's start."""
    return at_ms << _TIME_BITS | np.minimum(place, 63) << 16 | rr_ms


class RrLog:
    """Takes beats in any order and again, as long as none is older than what was counted for good."""

    def __init__(self) -> None:
        self._place = np.zeros(0, dtype=np.int32)
        self._beats = Beats()

    def grow(self, count: int) -> None:
        """Know `count` more rows, none of which sends intervals yet."""
        self._place = np.concatenate([self._place, np.full(count, -1, dtype=np.int32)])

    def has(self, rows: Array) -> Array:
        """Which rows ever sent intervals."""
        held: Array = self._place[rows] >= 0
        return held

    def add(self, rows: Array, codes: Array, horizon: Array) -> None:
        """Take beats in; `horizon` is, for each, the second up to which nothing new can come any more."""
        self._admit(np.unique(rows[self._place[rows] < 0]))
        order = np.argsort(rows, kind="stable")
        rows, codes, horizon = rows[order], codes[order], horizon[order]
        first = first_of_run(rows)
        rank = np.arange(len(rows)) - np.flatnonzero(first)[np.cumsum(first) - 1]
        for step in range(0, int(rank.max()) + 1, _AT_ONCE):
            chosen = (rank >= step) & (rank < step + _AT_ONCE)
            self._append(rows[chosen], codes[chosen], rank[chosen] - step, horizon[chosen])

    def recent(self, rows: Array, heads: Array, width_s: int) -> Array:
        """RMSSD of the last `width_s` seconds before each row's newest second, ms; NaN where there is none worth showing."""
        values = np.full(len(rows), np.nan)
        held = np.flatnonzero(self._place[rows] >= 0)
        if len(held):
            since = (heads[held].astype(np.int64) - width_s + 1) * 1000
            values[held] = _rmssd(*_sums(self._tidy(self._place[rows[held]]), since << _TIME_BITS))
        return values

    def session(self, rows: Array) -> Array:
        """RMSSD of the whole session including the newest beats, ms; NaN where there is none worth showing."""
        values = np.full(len(rows), np.nan)
        held = np.flatnonzero(self._place[rows] >= 0)
        if len(held):
            place, log = self._place[rows[held]], self._beats
            squares, differences, accepted, beats = _sums(self._tidy(place), log.counted[place] + 1)
            values[held] = _rmssd(
                log.squares[place] + squares,
                log.differences[place] + differences,
                log.accepted[place] + accepted,
                log.beats[place] + beats,
            )
        return values

    def cut(self, rows: Array, end: Array) -> None:
        """Forget what was measured after each row's `end` second."""
        held = self._place[rows] >= 0
        place, limit = self._place[rows[held]], (end[held].astype(np.int64) + 1) * 1000 << _TIME_BITS
        kept = self._beats.kept[place]
        kept[kept >= limit[:, None]] = _EMPTY
        self._beats.kept[place] = kept
        self._tidy(place)

    def keep(self, rows: Array) -> None:
        """Forget every row but these."""
        place = self._place[rows]
        held = place >= 0
        self._beats.keep(place[held])
        self._place = np.full(len(rows), -1, dtype=np.int32)
        self._place[held] = np.arange(len(self._beats), dtype=np.int32)

    def settle(self, heads: Array, late_s: int, slack_s: int, turn: int) -> None:
        """Count for good what lies more than `late_s` back, for rows whose turn it is and where most of `slack_s` seconds of it
        wait, or twice as many: in turns, because classes that began together would all be counted in the same moment."""
        rows = np.flatnonzero(self._place >= 0)
        place = self._place[rows]
        horizon = heads[rows].astype(np.int64) - late_s - 1
        waiting, turns = horizon - (self._beats.counted[place] >> _TIME_BITS) // 1000, slack_s + 1
        due = (waiting > 2 * slack_s) | ((rows % turns == turn % turns) & (waiting > slack_s * 2 // 3))
        if due.any():
            self._count(place[due], horizon[due])

    def stored(self) -> dict[str, Any]:
        """For a snapshot: all beats that are still open, without the empty places."""
        rows = np.flatnonzero(self._place >= 0)
        beats = self._beats.take(self._place[rows])
        filled = np.arange(CAPACITY) < beats.filled[:, None]
        sums = {name: getattr(beats, name) for name in Beats.columns if name != "kept"}
        return {"rows": rows.astype(np.int32), "kept": beats.kept[filled], "sums": sums, "size": len(self._place)}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The log that `stored` described."""
        log = cls()
        log.grow(stored["size"])
        log._admit(stored["rows"])
        for name, values in stored["sums"].items():
            getattr(log._beats, name)[:] = values
        filled = np.arange(CAPACITY) < log._beats.filled[:, None]
        log._beats.kept[filled] = stored["kept"]
        return log

    def _append(self, rows: Array, codes: Array, rank: Array, horizon: Array) -> None:
        place = self._place[rows].astype(np.int64)
        if (self._beats.filled[place] + rank >= CAPACITY).any():
            first = first_of_run(rows)
            self._count(place[first], horizon[first].astype(np.int64))
        at = self._beats.filled[place] + rank
        fits = at < CAPACITY
        place, at, codes = place[fits], at[fits], codes[fits]
        self._beats.kept.reshape(-1)[place * CAPACITY + at] = codes
        np.add.at(self._beats.filled, place, 1)

    def _tidy(self, place: Array) -> Array:
        """Sort, and drop beats that came twice; the beats of these places, as wide as the fullest of them."""
        width = int(self._beats.filled[place].max(initial=0))  # what lies beyond is empty
        kept = np.sort(self._beats.kept[place, :width], axis=1)
        again = (kept[:, 1:] == kept[:, :-1]) & (kept[:, 1:] != _EMPTY)
        if again.any():
            kept[:, 1:][again] = _EMPTY
            kept.sort(axis=1)
        self._beats.kept[place, :width] = kept
        self._beats.filled[place] = (kept != _EMPTY).sum(axis=1)
        return kept

    def _count(self, place: Array, horizon: Array) -> None:
        """Count for good what lies up to the `horizon` second and has its neighbours there; keep its last three as context."""
        kept = self._tidy(place)
        old = (kept < ((horizon + 1) * 1000 << _TIME_BITS)[:, None]).sum(axis=1)
        ripe = np.flatnonzero(old > 2 * NEIGHBOURS)
        if not len(ripe):
            return
        place, kept, old, counted = place[ripe], kept[ripe], old[ripe], self._beats.counted[place[ripe]]
        final = old - 1 - NEIGHBOURS
        until = kept[np.arange(len(ripe)), final]
        fresh = until > counted
        place, kept, old, counted, final, until = (a[fresh] for a in (place, kept, old, counted, final, until))
        width = kept.shape[1]
        judged = np.where(np.arange(width) < old[:, None], kept, _EMPTY)
        squares, differences, accepted, beats = _sums(judged, counted + 1, until)
        self._beats.squares[place] += squares
        self._beats.differences[place] += differences
        self._beats.accepted[place] += accepted
        self._beats.beats[place] += beats
        self._beats.counted[place] = until
        gone = final - NEIGHBOURS
        moved = np.arange(width) + gone[:, None]
        left = np.where(moved < width, np.take_along_axis(kept, np.minimum(moved, width - 1), axis=1), _EMPTY)
        self._beats.kept[place, :width] = left
        self._beats.filled[place] -= gone.astype(np.int32)

    def _admit(self, rows: Array) -> None:
        if len(rows):
            self._place[rows] = np.arange(len(self._beats), len(self._beats) + len(rows), dtype=np.int32)
            self._beats.grow(len(rows))


def _sums(kept: Array, since: Array, until: Array | None = None) -> tuple[Array, Array, Array, Array]:
    """Squared differences, their number, accepted and all beats between two codes, by row of sorted beats."""
    count = len(kept)
    row, column_of = np.nonzero(kept != _EMPTY)
    code = kept[row, column_of]
    rr_ms, at_ms = code & 0xFFFF, code >> _TIME_BITS
    accepted = accepted_beats(rr_ms, row)
    inside = code >= since[row] if until is None else (code >= since[row]) & (code <= until[row])
    joined = np.zeros(len(code), dtype=bool)
    joined[1:] = (row[1:] == row[:-1]) & accepted[1:] & accepted[:-1] & (at_ms[1:] - at_ms[:-1] <= BREAK_MS)
    joined &= inside
    difference = np.zeros(len(code), dtype=np.int64)
    difference[1:] = rr_ms[1:] - rr_ms[:-1]
    squares = np.bincount(row[joined], weights=difference[joined] ** 2, minlength=count).astype(np.int64)
    differences, good, beats = (np.bincount(row[chosen], minlength=count) for chosen in (joined, accepted & inside, inside))
    return squares, differences, good, beats


def _rmssd(squares: Array, differences: Array, accepted: Array, beats: Array) -> Array:
    shown = usable(accepted, beats) & (differences > 0)
    rmssd_ms: Array = np.sqrt(np.divide(squares, differences, out=np.full(len(squares), np.nan), where=shown))
    return rmssd_ms
