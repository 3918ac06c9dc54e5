"""Means over the grid of whole seconds."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array


def second_grid(seconds: ArrayLike, values: ArrayLike) -> tuple[Array, Array]:
    """Values by consecutive seconds from the first to the last, and which seconds have one; the last of a second wins."""
    at, given = np.asarray(seconds, dtype=np.int64), np.asarray(values)
    if not len(at):
        return given, np.zeros(0, dtype=bool)
    grid = np.zeros(int(at.max() - at.min()) + 1, dtype=given.dtype)
    present = np.zeros(len(grid), dtype=bool)
    grid[at - at.min()], present[at - at.min()] = given, True
    return grid, present


def rolling_mean(seconds: ArrayLike, values: ArrayLike, width_s: int) -> Array:
    """At every second of the grid the mean of the values of the last `width_s` seconds; NaN where there is none."""
    grid, present = second_grid(seconds, np.asarray(values, dtype=float))
    sums, counts = (np.concatenate([np.zeros(width_s), np.cumsum(part)]) for part in (grid, present))
    number = counts[width_s:] - counts[:-width_s]
    total = sums[width_s:] - sums[:-width_s]
    mean: Array = np.divide(total, number, out=np.full(len(grid), np.nan), where=number > 0)
    return mean


def best_mean(seconds: ArrayLike, values: ArrayLike, width_s: int) -> float | None:
    """The highest mean over any `width_s` seconds; none when the series is shorter. Missing seconds are left out of a mean."""
    means = rolling_mean(seconds, values, width_s)[width_s - 1 :]
    return float(np.nanmax(means)) if len(means) and not np.isnan(means).all() else None
