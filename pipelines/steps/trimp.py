"""Training impulse: one number for how long and how hard, by Banister, Edwards and Lucia."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.intensity import reserve_share
from pipelines.steps.time_in_zone import time_in_zones
from schemas.directory import Sex

_MEN: Final = (0.64, 1.92)
_WOMEN: Final = (0.86, 1.67)


def banister_per_minute(heart_rate_bpm: ArrayLike, max_bpm: float, resting_bpm: float, sex: Sex | None) -> Array:
    """TRIMP of a minute at this heart rate: x · 0.64·e^(1.92x) for men, x · 0.86·e^(1.67x) for women (Banister 1991).

    x is the share of heart-rate reserve, held to 0–1 where the curves were fitted. For unknown sex the mean of both curves
    is used: it is never further from the right one than half their distance (at most 13 %).
    """
    share = np.clip(reserve_share(heart_rate_bpm, max_bpm, resting_bpm), 0.0, 1.0)
    curves = [factor * np.exp(slope * share) for factor, slope in _curves(sex)]
    impulse: Array = share * sum(curves) / len(curves)
    return impulse


def banister(minutes: ArrayLike, heart_rate_bpm: ArrayLike, max_bpm: float, resting_bpm: float, sex: Sex | None) -> float:
    """Sum over intervals of minutes × impulse; one mean heart rate over the whole time is the form of 1991."""
    return float(np.sum(np.asarray(minutes, dtype=float) * banister_per_minute(heart_rate_bpm, max_bpm, resting_bpm, sex)))


def edwards(zone_seconds: ArrayLike) -> float:
    """Zone number × minutes over zones 0 to 5 at 50 to 90 % of maximum (Edwards 1993); zone 0 counts nothing."""
    return float(np.asarray(zone_seconds, dtype=float) @ np.arange(6) / 60.0)


def lucia(seconds: ArrayLike, heart_rate_bpm: ArrayLike, first_threshold_bpm: float, second_threshold_bpm: float) -> float:
    """1, 2, 3 a minute below, between and above the two ventilatory thresholds (Lucia 2003)."""
    in_zones = time_in_zones(seconds, heart_rate_bpm, (first_threshold_bpm, second_threshold_bpm))
    return float(in_zones @ np.array([1.0, 2.0, 3.0]) / 60.0)


def _curves(sex: Sex | None) -> tuple[tuple[float, float], ...]:
    return {"male": (_MEN,), "female": (_WOMEN,), None: (_MEN, _WOMEN)}[sex]
