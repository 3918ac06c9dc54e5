"""The time of a recording: which of its seconds count, when the device's timer stood still or nothing was recorded."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.time_in_zone import GAP_S

Pauses = Sequence[tuple[float, float]]
"""Begin and end (s) of each time in which the device's timer stood still."""


def counted_seconds(seconds: ArrayLike, pauses: Pauses = (), gap_s: float = GAP_S) -> Array:
    """Length of the interval that each sample ends (s), less what of it was paused; 0 for the first and after a gap.

    Seconds ascend. A live class has no timer, so its totals know gaps only (`time_in_zone.interval_seconds`).
    """
    lengths = running_seconds(seconds, pauses)
    return np.where(lengths > gap_s, 0.0, lengths)


def running_seconds(seconds: ArrayLike, pauses: Pauses = ()) -> Array:
    """Length of the interval that each sample ends (s), less what of it was paused, however long it is; 0 for the first."""
    at = np.asarray(seconds, dtype=float)
    lengths: Array = np.maximum(np.diff(at, prepend=at[:1]) - paused_seconds(at, pauses), 0.0)
    return lengths


def paused_seconds(seconds: ArrayLike, pauses: Pauses) -> Array:
    """How much of the interval that each sample ends was paused (s); 0 for the first."""
    at = np.asarray(seconds, dtype=float)
    if not len(at) or not len(pauses):
        return np.zeros(len(at))
    begin, end = np.asarray(sorted(pauses), dtype=float).T
    # Overlapping pauses are one: each begins no earlier than all before it have ended.
    begin = np.maximum(begin, np.concatenate([begin[:1], np.maximum.accumulate(end)[:-1]]))
    lengths = np.maximum(end - begin, 0.0)
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    place = np.searchsorted(begin, at, side="right")
    inside = np.where(place > 0, np.maximum(end[place - 1] - at, 0.0), 0.0)
    so_far = before[place] - np.minimum(inside, np.where(place > 0, lengths[place - 1], 0.0))
    return np.diff(so_far, prepend=so_far[:1])


def held_grid(seconds: ArrayLike, values: ArrayLike, gap_s: int = GAP_S) -> tuple[Array, Array]:
    """Values at consecutive whole seconds from the first to the last, and which of them are known.

    A value fills the seconds since the sample before it, as an interval belongs to the sample that ends it; seconds in a gap
    are unknown (0). Whole seconds, ascending, one value each.
    """
    at, given = np.asarray(seconds, dtype=np.int64), np.asarray(values, dtype=float)
    if not len(at):
        return given, np.zeros(0, dtype=bool)
    lengths = np.diff(at, prepend=at[0] - 1)
    place = np.repeat(np.arange(len(at)), lengths)
    grid, known = given[place], np.repeat(lengths <= gap_s, lengths)
    known[at - at[0]] = True
    grid[~known] = 0.0
    return grid, known
