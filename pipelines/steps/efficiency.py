"""How much output a heartbeat yields, and whether it falls in the course of a session."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

SHORTEST_S: Final = 1200
"""In less than twenty minutes the heart is still catching up with the work."""


def efficiency_factor(mean_output: float, mean_heart_rate_bpm: float) -> float:
    """Output ÷ heart rate (Friel): normalized power in W, or speed in metres a minute, per beat a minute."""
    return mean_output / mean_heart_rate_bpm


def aerobic_decoupling_percent(output: ArrayLike, heart_rate_bpm: ArrayLike) -> float | None:
    """By how much output ÷ heart rate falls from the first half to the second, in percent of the first (Friel, Pw:Hr).

    Equally long series of the seconds that have both; none below twenty minutes, or without output in the first half.
    """
    work, beats = np.asarray(output, dtype=float), np.asarray(heart_rate_bpm, dtype=float)
    if len(work) < SHORTEST_S:
        return None
    half = len(work) // 2
    first, second = (work[part].mean() / beats[part].mean() for part in (slice(0, half), slice(half, None)))
    return float((first - second) / first * 100.0) if first > 0 else None
