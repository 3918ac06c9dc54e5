"""The best means over given durations: what was held for 5 s, a minute, twenty minutes."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.recorded_time import held_grid

KNOWN_SHARE: Final = 0.9
"""So much of a window must have been recorded: the mean of a few beats around a pause is nobody's best twenty minutes."""
CURVE_S: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)


def best_mean_known(seconds: ArrayLike, values: ArrayLike, width_s: int) -> float | None:
    """The highest mean over `width_s` consecutive seconds of which at least 90 % were recorded; unknown seconds are left out.

    For heart rate: a heart goes on in a gap. None when there is no such window.
    """
    means = _window_means(*held_grid(seconds, values), width_s)
    return None if means is None else float(means)


def best_mean_output(seconds: ArrayLike, values: ArrayLike, width_s: int) -> float | None:
    """The highest mean over `width_s` consecutive seconds in which what was not recorded is 0.

    For power (mean maximal power, Allen & Coggan): who stood still in a pause did no work. None when the series is shorter.
    """
    grid, known = held_grid(seconds, values)
    if len(grid) < width_s:
        return None
    return float((_sums(np.where(known, grid, 0.0), width_s) / width_s).max())


def _window_means(grid: Array, known: Array, width_s: int) -> float | None:
    if len(grid) < width_s:
        return None
    count = _sums(known.astype(float), width_s)
    enough = count >= KNOWN_SHARE * width_s
    if not enough.any():
        return None
    return float((_sums(grid, width_s)[enough] / count[enough]).max())


def _sums(grid: Array, width_s: int) -> Array:
    sums = np.concatenate([[0.0], np.cumsum(grid)])
    window: Array = sums[width_s:] - sums[:-width_s]
    return window
