"""Zones of heart rate, power and pace: their bounds by scheme, and which zone a value lies in."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

HEART_RATE_SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Lower bounds of zones 1 to 5 as shares of maximum or of reserve (Karvonen 1957; device practice)."""
THRESHOLD_SHARES: Final = (0.0, 0.85, 0.90, 0.95, 1.0)
"""Lower bounds of zones 1 to 5 as shares of threshold heart rate (Friel, running; his 5a to 5c are one zone here)."""
POWER_SHARES: Final = (0.0, 0.55, 0.75, 0.90, 1.05, 1.20, 1.50)
"""Lower bounds of zones 1 to 7 as shares of functional threshold power (Coggan)."""
PACE_SHARES: Final = (1.29, 1.14, 1.06, 0.99, 0.97)
"""Slowest pace of zones 2 to 6 as shares of threshold pace (Friel, running); slower than the first is zone 1."""


def floors_by_maximum(max_heart_rate_bpm: float, shares: ArrayLike = HEART_RATE_SHARES) -> Array:
    """Lower bounds (bpm) of zones 1 to 5 as shares of maximum heart rate (100 to 240 bpm)."""
    return _exact(np.asarray(shares, dtype=float) * max_heart_rate_bpm)


def floors_by_reserve(max_heart_rate_bpm: float, resting_heart_rate_bpm: float, shares: ArrayLike = HEART_RATE_SHARES) -> Array:
    """Lower bounds (bpm) of zones 1 to 5: resting + share × (maximum − resting) (Karvonen 1957). Resting below maximum."""
    reserve = max_heart_rate_bpm - resting_heart_rate_bpm
    return _exact(resting_heart_rate_bpm + np.asarray(shares, dtype=float) * reserve)


def floors_by_threshold(threshold_heart_rate_bpm: float, shares: ArrayLike = THRESHOLD_SHARES) -> Array:
    """Lower bounds (bpm) of zones 1 to 5 as shares of lactate-threshold heart rate (Friel)."""
    return _exact(np.asarray(shares, dtype=float) * threshold_heart_rate_bpm)


def power_floors(ftp_watts: ArrayLike) -> Array:
    """Lower bounds (W) of power zones 1 to 7 by functional threshold power (30 to 700 W); one row an FTP (Coggan)."""
    return _exact(np.multiply.outer(np.asarray(ftp_watts, dtype=float), POWER_SHARES))


def zone_of(values: ArrayLike, floors: ArrayLike) -> Array:
    """How many ascending bounds each value reaches: 0 below the first; a value equal to a bound is in the higher zone."""
    return np.searchsorted(np.asarray(floors, dtype=float), np.asarray(values, dtype=float), side="right")


def zone_of_rows(values: Array, floors: Array) -> Array:
    """As `zone_of`, with bounds of its own for every value: `floors` has one row a value. NaN is in zone 0."""
    zones: Array = (values[:, None] >= floors).sum(axis=1)
    return zones


def pace_zone_of(pace_s_per_km: ArrayLike, threshold_pace_s_per_km: float) -> Array:
    """Zone 1 (slowest) to 6 by share of threshold pace (s/km); a pace equal to a bound is in the higher (faster) zone."""
    slowness = -np.asarray(pace_s_per_km, dtype=float)
    faster: Array = np.searchsorted(-_exact(np.asarray(PACE_SHARES) * threshold_pace_s_per_km), slowness, side="right")
    return 1 + faster


def _exact(bounds: Array) -> Array:
    """Bounds without the dust of binary fractions: 55 % of 200 W is 110 W, and a value of 110 W lies in the higher zone."""
    rounded: Array = np.round(bounds, 6)
    return rounded
