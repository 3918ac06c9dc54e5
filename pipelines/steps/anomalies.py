"""What in a recording cannot be true: averages and loads beyond what people do."""

from collections.abc import Iterator
from typing import Final

from pipelines.steps.moving import KPH_PER_MPS
from pipelines.steps.sports import Family

SPEED_MAX_KPH: Final[dict[Family, float]] = {"cycling": 60.0, "running": 22.0, "swimming": 8.5}
"""Mean speed of a session; above the hour records of their days (Elevate, activity-flags)."""
BEST_20MIN_WATTS: Final = 550.0
LOAD_PER_HOUR: Final = 225.0
"""Stress score an hour: one and a half times threshold for an hour cannot be held."""


def anomalies(
    family: Family,
    *,
    speeds_mps: tuple[float | None, ...] = (),
    heart_rate_avg_bpm: float | None = None,
    max_bpm: float | None = None,
    best_20min_watts: float | None = None,
    stress_per_hour: tuple[float | None, ...] = (),
) -> Iterator[str]:
    """Names of what is abnormal, in words. `speeds_mps`: mean speeds by whatever source, the device's own word included."""
    limit = SPEED_MAX_KPH.get(family)
    if limit is not None and any(speed is not None and speed * KPH_PER_MPS > limit for speed in speeds_mps):
        yield "average speed abnormal"
    if heart_rate_avg_bpm is not None and max_bpm is not None and heart_rate_avg_bpm > max_bpm:
        yield "average heart rate abnormal"
    if best_20min_watts is not None and best_20min_watts > BEST_20MIN_WATTS:
        yield "best 20 minutes of power abnormal"
    if any(stress is not None and stress > LOAD_PER_HOUR for stress in stress_per_hour):
        yield "stress per hour abnormal"
