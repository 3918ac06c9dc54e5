"""A member's maximum heart rate: measured before estimated."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.rolling import second_grid

SUSTAINED_S: Final = 30
RAISE_MAX_BPM: Final = 10
"""So much at most does one session raise the maximum: an artefact must not."""


def estimated_max_bpm(age_years: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """208 − 0.7 × age, bpm (Tanaka 2001; healthy adults of 18 to 81 years, standard deviation about 10 bpm)."""
    return 208.0 - 0.7 * np.asarray(age_years, dtype=float)


def sustained_max_bpm(seconds: ArrayLike, heart_rate_bpm: ArrayLike, suspect: ArrayLike | None = None) -> int | None:
    """The highest heart rate that was held for 30 s without a missing second; suspect values count as missing."""
    at, bpm = np.asarray(seconds, dtype=np.int64), np.asarray(heart_rate_bpm, dtype=np.int64)
    trusted = np.ones(len(at), dtype=bool) if suspect is None else ~np.asarray(suspect)
    grid, present = second_grid(at[trusted], bpm[trusted])
    if len(grid) < SUSTAINED_S:
        return None
    held = np.lib.stride_tricks.sliding_window_view(np.where(present, grid, 0), SUSTAINED_S).min(axis=1).max()
    return int(held) or None


def raised_max_bpm(known_bpm: int, sustained_bpm: int | None) -> int:
    """The maximum after a session: never lowered, raised at most 10 bpm."""
    return min(max(known_bpm, sustained_bpm or 0), known_bpm + RAISE_MAX_BPM)
