"""Effort points: three vendors' published rules for what a minute is worth."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.time_in_zone import interval_seconds

POINTS_A_MINUTE: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 4.0)
"""By zone 0 to 5 (Myzone's effort points: 1 at 50 %, 2 at 60 %, 3 at 70 %, 4 from 80 % of maximum)."""
SPLAT_SHARE: Final = 0.84
"""Orangetheory's splat points: a minute at or above 84 % of maximum heart rate is one point."""


def effort_points(zone_seconds: ArrayLike) -> Array:
    """Points from seconds in zones 0 to 5 (last axis), 1/2/3/4/4 a minute; fractions of a minute count in proportion."""
    points: Array = np.asarray(zone_seconds, dtype=float) @ np.asarray(POINTS_A_MINUTE) / 60.0
    return points


def splat_points(seconds: ArrayLike, heart_rate_bpm: ArrayLike, max_heart_rate_bpm: float) -> float:
    """Minutes at or above 84 % of maximum; intervals as in time in zone."""
    hard = np.asarray(heart_rate_bpm, dtype=float) >= SPLAT_SHARE * max_heart_rate_bpm
    return float(interval_seconds(seconds)[hard].sum() / 60.0)


def hard_minutes(zone_seconds: ArrayLike) -> Array:
    """Minutes in zones 4 and 5 from seconds in zones 0 to 5 (last axis)."""
    in_zones = np.asarray(zone_seconds, dtype=float)
    minutes: Array = in_zones[..., 4:6].sum(axis=-1) / 60.0
    return minutes
