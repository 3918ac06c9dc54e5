"""Height gained and lost."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

CLIMB_M: Final = 2.0
"""A rise below this is noise of the barometer or of the positions (Elevate, activity-computer)."""
_FOLLOW: Final = 0.5
"""Share of each new value in the smoothed one."""


def smoothed_altitude(altitude_m: ArrayLike) -> Array:
    """Altitude without spikes of one sample (median of three) and with an exponential mean over about two samples."""
    raw = np.asarray(altitude_m, dtype=float)
    if len(raw) < 3:
        return raw
    middle = np.median(np.lib.stride_tricks.sliding_window_view(raw, 3), axis=1)
    calm = np.concatenate([raw[:1], middle, raw[-1:]])
    value = calm[0]
    for at in range(1, len(calm)):
        value += (calm[at] - value) * _FOLLOW
        calm[at] = value
    return calm


def elevation_gain_m(altitude_m: ArrayLike) -> float:
    """Metres climbed: every rise of at least 2 m above the lowest point since the last one counted, on smoothed altitude.

    The method and thresholds of Elevate (activity-computer, stream-processor); a barometer's gain is good to some 3 to 5 %,
    that of positions alone much less.
    """
    gained, low = 0.0, np.inf
    for height in smoothed_altitude(altitude_m).tolist():
        if height - low >= CLIMB_M:
            gained += height - low
            low = height
        elif height <= low:
            low = height
    return gained


def elevation_loss_m(altitude_m: ArrayLike) -> float:
    """Metres descended, by the same rule."""
    return elevation_gain_m(-np.asarray(altitude_m, dtype=float))
