"""Power over time: normalized power, intensity factor, training stress."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.time_in_zone import GAP_S

NORMALIZING_S: Final = 30


def rolling_mean_30s(watts: Array, present: Array) -> Array:
    """Mean of the seconds present among the last 30, over grids of consecutive seconds (last axis), from column 29 on.

    The result has 29 columns less than the grid; NaN where none of the 30 seconds has a value.
    """
    total = _window_sums(np.where(present, watts, 0))
    count = _window_sums(present)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = total / count
    return mean


def stretch_starts(present: Array, seconds: Array, carried_start: Array, carried_last: Array) -> Array:
    """Second at which the unbroken stretch of values containing each grid cell began; a gap of more than 10 s breaks it."""
    last = np.maximum.accumulate(np.column_stack([carried_last, np.where(present, seconds, np.iinfo(np.int64).min)]), axis=1)
    opened = present & (seconds - last[:, :-1] > GAP_S)
    starts = np.column_stack([carried_start, np.where(opened, seconds, np.iinfo(np.int64).min)])
    return np.asarray(np.maximum.accumulate(starts, axis=1)[:, 1:])


def normalized_power(seconds: ArrayLike, watts: ArrayLike) -> float | None:
    """Fourth root of the mean fourth power of the 30 s rolling mean, W (Allen & Coggan 2010).

    Taken at every second that has a value and lies at least 29 s inside an unbroken stretch; a gap of more than 10 s breaks a
    stretch. None below 30 s of riding. Integer watts on whole seconds.
    """
    at = np.asarray(seconds, dtype=np.int64)
    if not len(at):
        return None
    grid = np.zeros(at[-1] - at[0] + NORMALIZING_S, dtype=np.int64)
    present = np.zeros(len(grid), dtype=bool)
    place = at - at[0] + NORMALIZING_S - 1
    grid[place], present[place] = np.asarray(watts), True
    cells = np.arange(at[0], at[-1] + 1)
    inside = present[NORMALIZING_S - 1 :]
    never = np.array([np.iinfo(np.int64).min // 2])
    starts = stretch_starts(inside[None], cells[None], never, never)[0]
    means = rolling_mean_30s(grid, present)[inside & (cells - starts >= NORMALIZING_S - 1)]
    return float(np.mean(means**4) ** 0.25) if len(means) else None


def intensity_factor(normalized_watts: float, ftp_watts: float) -> float:
    """Normalized power ÷ functional threshold power (Allen & Coggan)."""
    return normalized_watts / ftp_watts


def training_stress_score(normalized_watts: float, ftp_watts: float, duration_s: float) -> float:
    """Hours × intensity factor² × 100 (Allen & Coggan): an hour at threshold is 100."""
    return duration_s / 3600.0 * intensity_factor(normalized_watts, ftp_watts) ** 2 * 100.0


def _window_sums(grid: Array) -> Array:
    sums = np.cumsum(grid, axis=-1, dtype=np.int64)
    shifted = sums[..., NORMALIZING_S - 1 :].copy()
    shifted[..., 1:] -= sums[..., :-NORMALIZING_S]
    return shifted
