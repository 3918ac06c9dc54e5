"""Moving or standing: how long somebody was under way, how far, and at what pace."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.sports import Family

MOVING_KPH: Final[dict[Family, float]] = {"cycling": 4.0, "running": 1.5, "swimming": 0.5, "other": 0.3}
"""Faster than this is moving (Elevate's thresholds, activity-computer)."""
KPH_PER_MPS: Final = 3.6


def moving_seconds(interval_s: ArrayLike, speed_mps: ArrayLike, family: Family) -> float:
    """Sum of the intervals whose speed lies above the sport's threshold; what has no speed (NaN) does not move."""
    moving = np.asarray(speed_mps, dtype=float) * KPH_PER_MPS > MOVING_KPH[family]
    return float(np.asarray(interval_s, dtype=float)[moving].sum())


def travelled_m(distance_m: ArrayLike) -> Array:
    """Distance since the start from a device's running total, which may begin anywhere and start again (another sport)."""
    total = np.asarray(distance_m, dtype=float)
    before = np.concatenate([total[:1], total[:-1]])
    way: Array = np.cumsum(np.where(total >= before, total - before, np.where(starts_again(total, before), total, 0.0)))
    return way


def starts_again(total: Array, before: Array) -> Array:
    """Where a running total was started again; one that falls less than by half was corrected."""
    again: Array = (total < before) & (2 * total <= before)
    return again


def speed_from_distance(seconds: ArrayLike, travelled: ArrayLike, smooth_s: int = 5) -> Array:
    """Speed (m/s) at each sample over the last `smooth_s` seconds or the last interval; NaN for the first.

    For recordings without a speed of their own; positions and wheels that report now and then would give a saw-tooth otherwise.
    """
    at, way = np.asarray(seconds, dtype=float), np.asarray(travelled, dtype=float)
    if len(at) < 2:
        return np.full(len(at), np.nan)
    earlier = np.minimum(np.searchsorted(at, at - smooth_s, side="left"), np.arange(len(at)) - 1)
    earlier = np.maximum(earlier, 0)
    elapsed = at - at[earlier]
    speed: Array = np.divide(way - way[earlier], elapsed, out=np.full(len(at), np.nan), where=elapsed > 0)
    return speed


def pace_s_per_km(moving_s: float, distance_m: float) -> float | None:
    """Seconds for a kilometre over the moving time; none without a way."""
    return moving_s / distance_m * 1000.0 if distance_m > 0 and moving_s > 0 else None
