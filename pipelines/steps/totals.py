"""A member's session in whole numbers, and how seconds are folded into it.

Folding is exact: every total is an integer (fixed point where the quantity is not), so folding a stretch at once or second by
second, now or later, gives the same bits. The live flow folds what is older than 60 s for good, and a copy up to the
newest second for display; a summary computed from stored events runs the very same code.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.physiology import Physiology
from pipelines.steps.plausibility import judge
from pipelines.steps.power import NORMALIZING_S, rolling_mean_30s, stretch_starts
from pipelines.steps.ring import VALUE_MASK
from pipelines.steps.segments import LONG_AGO, ends_of_runs, starts_of_runs
from pipelines.steps.time_in_zone import GAP_S

STRAP_BIT: Final = 1 << 8
"""In a heart-rate cell: the value comes from a strap."""
HISTORY: Final = NORMALIZING_S - 1
"""Seconds before the stretch to be folded that normalized power looks back on."""


class Totals(Table):
    """One row a member of a session; seconds count from the session's start."""

    folded: Array = column(np.int32, fill=-1)
    """Last second that is contained."""
    seconds_seen: Array = column(np.int32)
    heart_rate_count: Array = column(np.int32)
    heart_rate_sum: Array = column(np.int32)
    heart_rate_max: Array = column(np.uint8)
    minute_max: Array = column(np.uint8)
    """Maximum heart rate since the minute began."""
    zone_s: Array = column(np.int32, 6)
    trimp: Array = column(np.int64)
    heart_kcal: Array = column(np.int64)
    """Energy from heart rate in the seconds that no power covers."""
    power_count: Array = column(np.int32)
    power_sum: Array = column(np.int64)
    power_max: Array = column(np.uint16)
    work_joules: Array = column(np.int64)
    fourth_power_sum: Array = column(np.int64)
    """Whole W⁴: normalized power from it is good to 0.001 W above 5 W, and 3,000 W for a day do not overflow it."""
    fourth_power_count: Array = column(np.int32)
    cadence_count: Array = column(np.int32)
    cadence_sum: Array = column(np.int64)
    speed_count: Array = column(np.int32)
    speed_sum: Array = column(np.int64)
    distance_mm: Array = column(np.int64)
    """From speed."""
    heart_last: Array = column(np.int32, fill=LONG_AGO)
    heart_value: Array = column(np.int16)
    heart_jump: Array = column(np.int32, fill=LONG_AGO)
    heart_unchanged: Array = column(np.int32, fill=LONG_AGO)
    power_last: Array = column(np.int32, fill=LONG_AGO)
    power_stretch: Array = column(np.int32, fill=LONG_AGO)
    speed_last: Array = column(np.int32, fill=LONG_AGO)


@dataclass(frozen=True)
class Stretch:
    """Consecutive seconds to fold, one row a member: cells from `start` on, masked beyond each row's last second."""

    start: Array
    heart_rate: Array
    power: Array
    """With `HISTORY` columns before `start`, so that it is wider than the others."""
    cadence: Array
    speed: Array


def fold(totals: Totals, stretch: Stretch, body: Physiology, members: Array) -> None:
    """Add a stretch to the totals of the same lines, which are `members` in `body`; `totals.folded` is the caller's to move."""
    power_cells = stretch.power[:, HISTORY:]
    cells = [of for of in (stretch.heart_rate, power_cells, stretch.cadence, stretch.speed) if of.any()]
    if cells:
        totals.seconds_seen += np.count_nonzero(reduce(np.bitwise_or, cells), axis=1)
    powered = np.flatnonzero(stretch.power.any(axis=1)) if stretch.power.any() else stretch.start[:0]
    covered = _last_powered(totals, power_cells, stretch.start) if len(powered) else None
    if stretch.heart_rate.any():
        _fold_heart_rate(totals, stretch, body, members, covered)
    if len(powered):
        _fold_power(totals, stretch, powered)
    if stretch.cadence.any():
        totals.cadence_count += np.count_nonzero(stretch.cadence, axis=1)
        totals.cadence_sum += (stretch.cadence & VALUE_MASK).sum(axis=1, dtype=np.int64)
    if stretch.speed.any():
        _fold_speed(totals, stretch)


def _fold_heart_rate(totals: Totals, stretch: Stretch, body: Physiology, members: Array, covered: Array | None) -> None:
    count, width = stretch.heart_rate.shape
    cells = stretch.heart_rate.reshape(-1)
    at = np.flatnonzero(cells)
    row = at // width
    second = stretch.start[row] + (at - row * width)
    cell = cells[at]
    bpm = (cell & 0xFF).astype(np.int64)
    judged = judge(
        row,
        second,
        bpm,
        (cell & STRAP_BIT) != 0,
        last_second=totals.heart_last,
        last_value=totals.heart_value,
        last_jump=totals.heart_jump,
        unchanged_since=totals.heart_unchanged,
    )
    starts = starts_of_runs(row)
    ends, of = ends_of_runs(starts, len(row)), row[starts]
    lookup = members[row] * 256 + bpm
    held = judged.interval_s
    zone = body.zone_of_bpm.reshape(-1).take(lookup)
    totals.heart_rate_count[of] += ends - starts + 1
    totals.heart_rate_sum[of] += np.add.reduceat(bpm, starts)
    totals.zone_s += _sums(row * 6 + zone, held, count * 6).reshape(count, 6)
    totals.trimp[of] += np.add.reduceat(body.trimp_of_bpm.reshape(-1).take(lookup) * held, starts)
    unpowered = held if covered is None else np.where(second - covered.reshape(-1)[at] <= GAP_S, 0, held)
    totals.heart_kcal[of] += np.add.reduceat(body.kcal_of_bpm.reshape(-1).take(lookup) * unpowered, starts)
    trusted = ~judged.suspect
    greatest = np.maximum.reduceat(bpm * trusted, starts).astype(np.uint8)
    for column_of_maxima in (totals.heart_rate_max, totals.minute_max):
        column_of_maxima[of] = np.maximum(column_of_maxima[of], greatest)
    totals.heart_last[of], totals.heart_value[of] = second[ends], bpm[ends]
    totals.heart_jump[of], totals.heart_unchanged[of] = judged.last_jump, judged.unchanged_since


def _last_powered(totals: Totals, power_cells: Array, start: Array) -> Array:
    """The newest second up to each cell that has power."""
    seconds = start[:, None] + np.arange(power_cells.shape[1])
    known = np.where(power_cells != 0, seconds, LONG_AGO)
    np.maximum(known[:, 0], totals.power_last, out=known[:, 0])
    return np.asarray(np.maximum.accumulate(known, axis=1))


def _fold_power(totals: Totals, stretch: Stretch, rows: Array) -> None:
    grid = (stretch.power[rows] & VALUE_MASK).astype(np.int64)
    present = stretch.power[rows] != 0
    watts, inside = grid[:, HISTORY:], present[:, HISTORY:]
    seconds = stretch.start[rows][:, None] + np.arange(inside.shape[1])
    last = totals.power_last[rows]
    totals.power_count[rows] += inside.sum(axis=1, dtype=np.int32)
    totals.power_sum[rows] += watts.sum(axis=1)
    totals.power_max[rows] = np.maximum(totals.power_max[rows], watts.max(axis=1))
    totals.work_joules[rows] += (watts * _intervals(inside, seconds, last)).sum(axis=1)
    starts = stretch_starts(inside, seconds, totals.power_stretch[rows], last)
    whole = inside & (seconds - starts >= HISTORY)
    fourth = np.rint(np.where(whole, rolling_mean_30s(grid, present), 0.0) ** 4).astype(np.int64)
    totals.fourth_power_sum[rows] += fourth.sum(axis=1)
    totals.fourth_power_count[rows] += whole.sum(axis=1, dtype=np.int32)
    totals.power_last[rows] = np.maximum(last, np.where(inside, seconds, LONG_AGO).max(axis=1))
    totals.power_stretch[rows] = starts[:, -1]


def _fold_speed(totals: Totals, stretch: Stretch) -> None:
    present = stretch.speed != 0
    seconds = stretch.start[:, None] + np.arange(present.shape[1])
    millimetres = (stretch.speed & VALUE_MASK).astype(np.int64)
    totals.speed_count += present.sum(axis=1, dtype=np.int32)
    totals.speed_sum += millimetres.sum(axis=1)
    totals.distance_mm += (millimetres * _intervals(present, seconds, totals.speed_last)).sum(axis=1)
    newest = np.where(present, seconds, LONG_AGO).max(axis=1)
    totals.speed_last[:] = np.maximum(totals.speed_last, newest)


def _intervals(present: Array, seconds: Array, last: Array) -> Array:
    """Length of the interval that each present cell ends; 0 elsewhere and after a gap."""
    known = np.maximum.accumulate(np.column_stack([last, np.where(present, seconds, LONG_AGO)]), axis=1)[:, :-1]
    elapsed = seconds - known
    return np.where(present & (elapsed <= GAP_S), elapsed, 0)


def _sums(keys: Array, values: Array, count: int) -> Array:
    """Sums by key. Exact: the doubles of bincount hold integers up to 2⁵³."""
    return np.bincount(keys, weights=values, minlength=count).astype(np.int64)
