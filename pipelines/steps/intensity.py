"""The intensity score, 0 to 10: how hard a member works, measured against their own heart."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

LOW_BELOW = 4.0
HIGH_FROM = 7.0


def reserve_share(heart_rate_bpm: ArrayLike, max_bpm: ArrayLike, resting_bpm: ArrayLike) -> Array:
    """Share of heart-rate reserve in use, (HR − resting) ÷ (maximum − resting) (Karvonen 1957).

    A resting heart rate of 0 stands for unknown and gives the share of maximum. Not clipped.
    """
    resting = np.asarray(resting_bpm, dtype=float)
    share: Array = (np.asarray(heart_rate_bpm, dtype=float) - resting) / (np.asarray(max_bpm, dtype=float) - resting)
    return share


def intensity_score(mean_heart_rate_bpm: ArrayLike, max_bpm: ArrayLike, resting_bpm: ArrayLike) -> Array:
    """10 × mean share of reserve, clipped to 0–10; NaN stays NaN.

    The share is linear in heart rate, so the share of the mean is the mean of the shares.
    """
    return np.clip(10.0 * reserve_share(mean_heart_rate_bpm, max_bpm, resting_bpm), 0.0, 10.0)


def intensity_distribution(scores: ArrayLike) -> dict[str, int]:
    """Members low (below 4), medium (below 7), high; NaN is nowhere."""
    known = np.asarray(scores, dtype=float)
    known = known[~np.isnan(known)]
    low, below_high = int((known < LOW_BELOW).sum()), int((known < HIGH_FROM).sum())
    return {"low": low, "medium": below_high - low, "high": len(known) - below_high}
