"""The last 128 seconds of one metric for every member that has it: one cell a second, the newest value of the second wins.

A cell is `(millisecond + 1) << 16 | value`, 0 when empty: the greater cell is the newer value, so writing is a maximum and
neither order nor repetition matters. Of two values measured in the same millisecond the greater one wins.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.segments import first_of_run

SLOTS: Final = 128
_MASK: Final = SLOTS - 1
VALUE_BITS: Final = 16
VALUE_MASK: Final = 2**VALUE_BITS - 1
_NARROW_BITS: Final = 9
_BLOCK_ROWS: Final = 512


def cells_of(milliseconds: Array, values: Array) -> Array:
    """Cells of values (0 to 65535) measured in some millisecond (0 to 999) of their second."""
    return ((milliseconds + 1) << VALUE_BITS | values).astype(np.uint32)


class SecondRing:
    """Cells of the rows that ever had a value of this metric. Seconds count from the session's start."""

    def __init__(self) -> None:
        self._place = np.zeros(0, dtype=np.int32)
        self._cells = np.zeros((0, SLOTS), dtype=np.uint32)
        self._used = 0

    def grow(self, count: int) -> None:
        """Know `count` more rows, without a cell yet."""
        self._place = np.concatenate([self._place, np.full(count, -1, dtype=np.int32)])

    def has(self, rows: Array) -> Array:
        """Which rows have cells."""
        held: Array = self._place[rows] >= 0
        return held

    def clear(self, rows: Array, seconds: Array) -> None:
        """Empty the cells of these seconds, which the rows have just reached."""
        if not self._used:
            return
        place = self._place[rows].astype(np.int64)
        known = place >= 0
        if not known.all():
            place, seconds = place[known], seconds[known]
        self._cells.reshape(-1)[place * SLOTS + (seconds & _MASK)] = 0

    def offer(self, rows: Array, seconds: Array, cells: Array) -> None:
        """Write cells; each stays only if it is newer than what its second holds."""
        place = self._place[rows]
        if (place < 0).any():
            self._admit(np.unique(rows[place < 0]))
            place = self._place[rows]
        np.maximum.at(self._cells.reshape(-1), place.astype(np.int64) * SLOTS + (seconds & _MASK), cells)

    def window(self, rows: Array, start: Array, width: int) -> Array:
        """Cells of `width` (at most 128) consecutive seconds from each row's own `start`; empty for rows without any."""
        place = self._place[rows].astype(np.int64)
        slots = (start[:, None] + np.arange(width)) & _MASK
        if self._used == 0:
            return np.zeros(slots.shape, dtype=np.uint32)
        cells: Array = self._cells.reshape(-1).take(np.maximum(place, 0)[:, None] * SLOTS + slots)
        if (place < 0).any():
            cells[place < 0] = 0
        return cells

    def keep(self, rows: Array) -> None:
        """Forget every row but these."""
        place = self._place[rows]
        held = place >= 0
        self._cells = self._cells[place[held]]
        self._used = len(self._cells)
        self._place = np.full(len(rows), -1, dtype=np.int32)
        self._place[held] = np.arange(self._used, dtype=np.int32)

    def stored(self, heads: Array, width: int) -> dict[str, Array]:
        """The last `width` seconds before each row's head, for a snapshot."""
        rows = np.flatnonzero(self._place >= 0)
        begin = (heads[rows] - width + 1) & _MASK
        order = np.argsort(begin.astype(np.uint16), kind="stable")
        rows, begin = rows[order], begin[order]
        return {"rows": rows.astype(np.int32)} | self._packed(rows, begin, width)

    @classmethod
    def of_stored(cls, state: dict[str, Any], heads: Array) -> Self:
        """The ring that `state` described."""
        ring = cls()
        ring.grow(len(heads))
        rows, cells = state["rows"], _unpacked(state)
        ring._admit(rows)
        slots = (heads[rows][:, None] + np.arange(1 - cells.shape[1], 1)) & _MASK
        ring._cells[np.arange(len(rows))[:, None], slots] = cells
        return ring

    def _packed(self, rows: Array, begin: Array, width: int) -> dict[str, Array]:
        """What `window` gives, for rows sorted by the slot where theirs begins: copied in blocks that the cache holds.

        In three bytes where values keep to nine bits, as heart rates do, else in four.
        """
        time, values = (np.empty((len(rows), width), dtype=np.uint16) for _half in range(2))
        for start, end in _blocks(begin):
            slot = int(begin[start])
            until = min(width, SLOTS - slot)
            cells = self._cells.take(self._place[rows[start:end]], axis=0)
            for into, part in ((slice(until), cells[:, slot : slot + until]), (slice(until, width), cells[:, : width - until])):
                time[start:end, into] = part >> VALUE_BITS
                values[start:end, into] = part  # its lower half
        if values.max(initial=0) < 1 << _NARROW_BITS:
            time |= (values & 0x100) << 7
            return {"time": time, "values": values.astype(np.uint8)}
        return {"time": time, "values": values}

    def _admit(self, rows: Array) -> None:
        end = self._used + len(rows)
        if end > len(self._cells):
            larger = np.zeros((max(end, 2 * len(self._cells), 64), SLOTS), dtype=np.uint32)
            larger[: self._used] = self._cells[: self._used]
            self._cells = larger
        self._place[rows] = np.arange(self._used, end, dtype=np.int32)
        self._cells[self._used : end] = 0
        self._used = end


def _blocks(begin: Array) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of stretches with one value in `begin`, which is sorted."""
    for start, end in pairwise([*np.flatnonzero(first_of_run(begin)).tolist(), len(begin)]):
        for at in range(start, end, _BLOCK_ROWS):
            yield at, min(at + _BLOCK_ROWS, end)


def _unpacked(state: dict[str, Array]) -> Array:
    time = state["time"].astype(np.uint32)
    cells: Array = (time & 0x7FFF) << VALUE_BITS | time >> 15 << 8 | state["values"]
    return cells
