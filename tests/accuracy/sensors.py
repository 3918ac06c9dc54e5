"""From a true value to what arrives: noise, drift, outliers, stuck values, dropouts, late uploads, doubles, skewed clocks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.events import Reading

Column = NDArray[np.float64]
Metric = Literal["heart_rate_bpm", "power_watts", "speed_mps"]
MILLISECONDS = 1000


@dataclass(frozen=True)
class Sensor:
    """How a sensor of this kind errs. Shares are of the value, rates per hour."""

    metric: Metric
    noise: float
    """Standard deviation of independent noise: bpm for heart rates, else a share."""
    sway: float
    """Standard deviation of noise that lasts for some seconds: breathing, pedalling, terrain."""
    wander: float
    """Amplitude of a slow swing over some minutes."""
    outliers: float
    """One to three seconds of values far off, in either direction."""
    stuck: float
    """Some seconds in which the last value is repeated."""
    dropouts: float
    dropout_s: tuple[int, int] = (2, 14)


STRAP = Sensor("heart_rate_bpm", noise=1.0, sway=1.4, wander=1.5, outliers=20, stuck=6, dropouts=12)
STEADY_STRAP = replace(STRAP, dropouts=0)
POWER_METER = Sensor("power_watts", noise=0.08, sway=0.06, wander=0.02, outliers=20, stuck=4, dropouts=12)
FOOT_POD = Sensor("speed_mps", noise=0.03, sway=0.02, wander=0.01, outliers=20, stuck=4, dropouts=12)
LATE_SHARE = 0.5
"""Of the dropouts, those whose values are stored and come afterwards; the others' are lost."""
APART_S = 10
"""So long there is a signal between two dropouts."""
DOUBLED_SHARE = 0.005
SKEW_MS = 400
SOURCES = {"heart_rate_bpm": "heart_rate_monitor", "power_watts": "power_meter", "speed_mps": "speed_sensor"}
SWAY_MEMORY = 0.85


def measured(sensor: Sensor, truth: Column, rng: np.random.Generator) -> Column:
    """One value a second as the sensor shows it."""
    scale = np.ones(len(truth)) if sensor.metric == "heart_rate_bpm" else truth
    swing = sensor.wander * np.sin(2 * np.pi * (np.arange(len(truth)) / rng.uniform(180, 600) + rng.random()))
    shown = truth + scale * (rng.normal(0, sensor.noise, len(truth)) + _sway(len(truth), sensor.sway, rng) + swing)
    for at in _moments(len(truth), sensor.outliers, rng):
        shown[at : at + int(rng.integers(1, 4))] += _outlier(sensor, truth[at], rng)
    for at in _moments(len(truth), sensor.stuck, rng):
        shown[at : at + int(rng.integers(3, 11))] = shown[at]
    return _in_range(sensor, shown)


def arrivals(
    sensor: Sensor, shown: Column, present: NDArray[np.bool_], who: dict[str, Any], rng: np.random.Generator
) -> Iterator[tuple[int, Reading]]:
    """Each value that is not lost, with the moment of its arrival (ms from the start). `who` has ids and `started_at_ms`."""
    size = len(shown)
    skew = round(float(np.clip(rng.normal(), -2, 2)) * SKEW_MS)
    delay = rng.gamma(2, 40, size)
    kept = present.copy()
    end = -APART_S
    for at in _moments(size, sensor.dropouts, rng):
        if at - end < APART_S:
            continue  # two that meet would be a silence that should be told
        end = min(at + int(rng.integers(sensor.dropout_s[0], sensor.dropout_s[1] + 1)), size)
        if rng.random() < LATE_SHARE:
            delay[at:end] = (end - np.arange(at, end)) * MILLISECONDS + delay[at] + 2 * np.arange(end - at)
        else:
            kept[at:end] = False
    doubled = rng.random(size) < DOUBLED_SHARE
    origin = int(rng.integers(0, MILLISECONDS))
    for second in np.flatnonzero(kept).tolist():
        at_ms = second * MILLISECONDS + origin
        arrival = at_ms + int(delay[second])
        reading = _reading(sensor, who, second, at_ms + skew, arrival, float(shown[second]))
        yield arrival, reading
        if doubled[second]:
            yield arrival + 300, reading


def _reading(  # the fields of one reading
    sensor: Sensor, who: dict[str, Any], second: int, at_ms: int, arrival: int, value: float
) -> Reading:
    started = who["started_at_ms"]
    shown: Any = round(value, 2) if sensor.metric == "speed_mps" else round(value)
    return Reading(
        event_id=f"{sensor.metric}:{who['member_id']}:{second}",
        type=sensor.metric.rsplit("_", 1)[0],
        session_id=who["session_id"],
        member_id=who["member_id"],
        device_id=f"{sensor.metric}-{who['member_id']}",
        source=SOURCES[sensor.metric],
        event_time_ms=max(started + at_ms, 0),
        received_time_ms=started + arrival,
        **{sensor.metric: shown},
    )


def _outlier(sensor: Sensor, value: float, rng: np.random.Generator) -> float:
    if sensor.metric == "heart_rate_bpm":
        return float(rng.uniform(15, 60) * rng.choice([-1, 1]))
    return float(value * rng.choice([-1, 1.5]))


def _in_range(sensor: Sensor, shown: Column) -> Column:
    low, high = {"heart_rate_bpm": (25, 239), "power_watts": (0, 2500), "speed_mps": (0, 40)}[sensor.metric]
    clipped: Column = np.clip(shown, low, high)
    return clipped


def _sway(size: int, deviation: float, rng: np.random.Generator) -> Column:
    steps = rng.normal(0, deviation * (1 - SWAY_MEMORY**2) ** 0.5, size)
    sway = np.empty(size)
    last = float(rng.normal(0, deviation))
    for at, step in enumerate(steps.tolist()):
        last = SWAY_MEMORY * last + step
        sway[at] = last
    return sway


def _moments(size: int, per_hour: float, rng: np.random.Generator) -> list[int]:
    return [int(at) for at in np.flatnonzero(rng.random(size) < per_hour / 3600)]
