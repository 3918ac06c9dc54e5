"""A member's totals the slow and obvious way: all events at hand, sorted, second by second, in exact fractions of nothing."""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from schemas.directory import Participant
from schemas.events import Reading
from tests.pipelines.steps.people import STARTED_MS

METRICS = ("heart_rate_bpm", "power_watts", "cadence_rpm", "speed_mps")
POINTS = (0, 1, 2, 3, 4, 4)


@dataclass
class Expected:
    heart_rate_avg_bpm: float | None
    heart_rate_max_bpm: int | None
    zone_s: tuple[float, ...]
    intensity: float | None
    effort_points: float
    trimp: float | None
    energy_kcal: float | None
    power_avg_watts: float | None
    power_max_watts: int | None
    normalized_power_watts: float | None
    cadence_avg_rpm: float | None
    speed_avg_mps: float | None
    distance_m: float | None
    seconds_seen: int


def expected_totals(person: Participant, readings: list[Reading], last_second: int | None = None) -> Expected:
    grids = {metric: grid_of(readings, metric, last_second) for metric in METRICS}
    heart, power = grids["heart_rate_bpm"], grids["power_watts"]
    zone_s = [0.0] * 6
    for held, bpm in intervals(heart):
        zone_s[sum(bpm >= floor for floor in person.heart_rate_zone_floors_bpm)] += held
    beats = list(heart.values())
    return Expected(
        heart_rate_avg_bpm=mean(beats),
        heart_rate_max_bpm=max((int(b) for s, b in heart.items() if s not in suspects(heart)), default=None),
        zone_s=tuple(zone_s),
        intensity=min(max(10 * share(person, sum(beats) / len(beats)), 0), 10) if beats else None,
        effort_points=sum(p * s for p, s in zip(POINTS, zone_s, strict=True)) / 60,
        trimp=sum(held / 60 * impulse(person, bpm) for held, bpm in intervals(heart)) if beats else None,
        energy_kcal=energy(person, heart, power) if beats or power else None,
        power_avg_watts=mean(list(power.values())),
        power_max_watts=max((int(w) for w in power.values()), default=None),
        normalized_power_watts=normalized(power),
        cadence_avg_rpm=mean(list(grids["cadence_rpm"].values())),
        speed_avg_mps=mean(list(grids["speed_mps"].values())),
        distance_m=sum(held * mps for held, mps in intervals(grids["speed_mps"])) if grids["speed_mps"] else None,
        seconds_seen=len({second for grid in grids.values() for second in grid}),
    )


def grid_of(readings: list[Reading], metric: str, last_second: int | None) -> dict[int, float]:
    """Second → value: the newest of the second, of equals the greater."""
    cells: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for event in readings:
        value, second = getattr(event, metric), event.event_time_ms // 1000 - STARTED_MS // 1000
        if value is not None and second >= 0 and (last_second is None or second <= last_second):
            cells[second].append((event.event_time_ms, value))
    return {second: max(cells[second])[1] for second in sorted(cells)}


def intervals(grid: dict[int, float]) -> list[tuple[int, float]]:
    seconds = list(grid)
    return [(b - a, grid[b]) for a, b in pairwise(seconds) if b - a <= 10]


def suspects(heart: dict[int, float]) -> set[int]:
    jumps = [s for s in heart if s - 1 in heart and abs(heart[s] - heart[s - 1]) > 30]
    found = {s for s in heart for jump in jumps if 0 <= s - jump < 5}
    unchanged_since, before = None, None
    for second, bpm in heart.items():
        if before is None or second - before > 10 or bpm != heart[before]:
            unchanged_since = second
        if second - unchanged_since >= 30:
            found.add(second)
        before = second
    return found


def share(person: Participant, bpm: float) -> float:
    resting = person.resting_heart_rate_bpm or 0
    return (bpm - resting) / (person.max_heart_rate_bpm - resting)


def impulse(person: Participant, bpm: float) -> float:
    x = min(max(share(person, bpm), 0), 1)
    return x * 0.86 * math.exp(1.67 * x) if person.sex == "female" else x * 0.64 * math.exp(1.92 * x)


def energy(person: Participant, heart: dict[int, float], power: dict[int, float]) -> float:
    kcal = sum(held * watts for held, watts in intervals(power)) / 1000 / 0.24 / 4.184
    seconds = list(heart)
    for a, b in pairwise(seconds):
        powered = any(b - 10 <= s <= b for s in power)
        if b - a <= 10 and not powered:
            kj = -20.4022 + 0.4472 * heart[b] - 0.1263 * person.mass_kg + 0.074 * person.age_years
            kcal += (b - a) / 60 * max(kj, 0) / 4.184
    return kcal


def normalized(power: dict[int, float]) -> float | None:
    fourths, begin, before = [], None, None
    for second in power:
        begin = second if before is None or second - before > 10 else begin
        before = second
        if second - begin >= 29:
            window = [power[s] for s in range(second - 29, second + 1) if s in power]
            fourths.append((sum(window) / len(window)) ** 4)
    return (sum(fourths) / len(fourths)) ** 0.25 if fourths else None


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
