"""Ten ordinary classes, in which a sensible trainer wants to hear next to nothing.

The bodies, straps and mishaps are the simulator's; the bodies know nothing of anybody's limits, so what raises no alert is
the rules' merit. The limits are what the product gives a new member (180 bpm) or what a sensible trainer would set: some beats
above hard work, zones around the work of the class's main part. Now and then somebody stops to drink, adjusts the saddle or
goes out of the room for a minute.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ingest.simulator.class_simulation import ClassSimulation
from ingest.simulator.straps import Faults
from schemas.alerts import AlertRule
from schemas.directory import ClassLimits, Limits, Participant, Segment, SessionRecord
from schemas.events import HeartRate, Power, Reading, Speed
from tests.accuracy.play import play
from tests.accuracy.single_rules import STARTED_MS
from tests.accuracy.truth import Script, Told

SEED: Final = 20
MEMBERS: Final = 8
SECONDS: Final = 2_700
WINDOW_S: Final = 600
ORDINARY: Final = Faults(dropouts=4, dropout_s=(3, 16), outliers=4, doubled_share=0.005, skew_ms=400)
BREAKS_AN_HOUR: Final = 3.0
BREAK_S: Final = (8, 40)
OUT_AN_HOUR: Final = 0.2
OUT_S: Final = (40, 120)
EASY_SHARE: Final = 0.85
"""So much of their target pace's speed runners go in the first and the last part of the plan."""
Rng = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """A class on the schedule: its plan in minutes, the ages and the fitness of those who come."""

    name: str
    class_type: str
    plan: tuple[tuple[str, int], ...]
    ages: tuple[int, int]
    resting_bpm: tuple[int, int] = (52, 70)
    ftp_watts: tuple[int, int] = (150, 260)


KINDS: Final = (
    Kind("Morning Spin", "spin", (("Warm-up", 8), ("Tempo", 12), ("Intervals", 15), ("Climb", 6), ("Cool-down", 4)), (25, 55)),
    Kind("Spin for beginners", "spin", (("Warm-up", 10), ("Easy", 25), ("Cool-down", 10)), (20, 65), (60, 78), (110, 180)),
    Kind("Racers", "spin", (("Warm-up", 6), ("Intervals", 34), ("Cool-down", 5)), (20, 40), (42, 55), (230, 330)),
    Kind("HIIT Express", "hiit", (("Warm-up", 5), ("Intervals", 34), ("Stretch", 6)), (20, 45)),
    Kind("Tempo Run", "running", (("Easy", 10), ("Tempo", 20), ("Strides", 5), ("Cool-down", 10)), (22, 55)),
    Kind("Track intervals", "running", (("Warm-up", 8), ("Intervals", 30), ("Cool-down", 7)), (18, 40), (42, 60)),
    Kind("Senior fitness", "fitness", (("Warm-up", 10), ("Main", 25), ("Stretch", 10)), (60, 80), (58, 76)),
    Kind("Circuit", "circuit", (("Warm-up", 6), ("Intervals", 30), ("Recovery", 4), ("Stretch", 5)), (20, 60)),
    Kind("Rowing", "rowing", (("Warm-up", 7), ("Main", 30), ("Cool-down", 8)), (25, 60)),
    Kind("Late mixed spin", "cycling", (("Warm-up", 7), ("Climb", 30), ("Cool-down", 8)), (18, 70), (45, 78), (120, 320)),
)


@dataclass(frozen=True)
class Calm:
    """One class's alerts. Members' own alerts and those about the whole class are counted apart."""

    name: str
    members: int
    by_rule: dict[AlertRule, int]
    per_member_10_min: float
    busiest: int
    """Alerts of the member who had most within any ten minutes, the class itself counting as one."""


def calm(seed: int) -> list[Calm]:
    """All ten classes, played at once."""
    scripts = [ordinary_class(number, kind, np.random.default_rng([seed, number])) for number, kind in enumerate(KINDS, 1)]
    told = play(scripts, SECONDS)
    return [
        _calm(kind, [one for one in told if one.session_id == script.record.session_id])
        for kind, script in zip(KINDS, scripts, strict=True)
    ]


def ordinary_class(number: int, kind: Kind, rng: Rng) -> Script:
    """The bodies train without limits; the limits are put on the record afterwards."""
    people = tuple(_member(member_id, kind, rng) for member_id in range(1, MEMBERS + 1))
    segments = tuple(Segment(name=name, duration_s=minutes * 60) for name, minutes in kind.plan)
    session_id = f"{number:08x}-0bd1-7000-8000-000000000001"
    script = Script(
        SessionRecord(
            session_id=session_id,
            class_name=kind.name,
            class_type=kind.class_type,
            started_at_ms=STARTED_MS,
            planned_duration_s=SECONDS,
            segments=segments,
            limits=ClassLimits(),
            participants=tuple(_limited(person, kind, rng) for person in people),
        )
    )
    simulation = ClassSimulation(
        [replace(limited, limits=_pace_only(limited)) for limited in script.record.participants],
        class_type=kind.class_type,
        seed=int(rng.integers(2**31)),
        run=str(number),
        session_id=session_id,
        segments=segments,
        planned_duration_s=SECONDS,
        faults=ORDINARY,
    )
    lives = {person.member_id: _life(kind, rng) for person in people}
    for second in range(SECONDS):
        simulation.advance(STARTED_MS + second * 1000)
        arrival = second * 1000 + 60
        for event in simulation.take(1_000):
            at = min(max((event.event_time_ms - STARTED_MS) // 1000, 0), SECONDS - 1)
            factor = lives[event.member_id][at]
            if isinstance(event, HeartRate | Power | Speed) and factor >= 0:
                script.arrivals.append((arrival, _reading(event, arrival, float(factor))))
    return script


def _life(kind: Kind, rng: Rng) -> NDArray[np.float64]:
    """By the second, the factor on what a member does; −1 while their straps are out of the room."""
    factor = np.ones(SECONDS)
    if kind.class_type == "running":
        factor[: kind.plan[0][1] * 60] = factor[SECONDS - kind.plan[-1][1] * 60 :] = EASY_SHARE
    for per_hour, (shortest, longest), what in ((BREAKS_AN_HOUR, BREAK_S, 0.0), (OUT_AN_HOUR, OUT_S, -1.0)):
        for begin in np.flatnonzero(rng.random(SECONDS) < per_hour / 3600).tolist():
            factor[begin : begin + int(rng.integers(shortest, longest))] = what
    return factor


def _member(member_id: int, kind: Kind, rng: Rng) -> Participant:
    age = int(rng.integers(kind.ages[0], kind.ages[1] + 1))
    maximum = round(208 - 0.7 * age + float(np.clip(rng.normal(0, 6), -12, 12)))
    return Participant(
        member_id=member_id,
        name=f"Member {member_id}",
        age_years=age,
        max_heart_rate_bpm=maximum,
        resting_heart_rate_bpm=int(rng.integers(*kind.resting_bpm)),
        ftp_watts=int(rng.integers(*kind.ftp_watts)) if kind.class_type in {"spin", "cycling"} else None,
        heart_rate_zone_floors_bpm=tuple(round(share * maximum) for share in (0.5, 0.6, 0.7, 0.8, 0.9)),
        limits=Limits(heart_rate_high_bpm=None, fatigue_drop_share=None),
    )


def _limited(person: Participant, kind: Kind, rng: Rng) -> Participant:
    """What a sensible trainer would set for them; every rule about members is in use by some."""
    limits = Limits()
    if rng.random() < 0.5:
        limits = replace(limits, heart_rate_high_bpm=round(0.94 * person.max_heart_rate_bpm))
    if rng.random() < 0.3:
        limits = replace(limits, heart_rate_low_bpm=50)
    if rng.random() < 0.3:
        limits = replace(limits, heart_rate_zone_low=1)
    if person.ftp_watts and rng.random() < 0.4:
        limits = replace(limits, power_zone_low=2, power_zone_high=5)
    if kind.class_type == "running" and rng.random() < 0.4:
        limits = replace(limits, pace_target_s_per_km=float(rng.integers(290, 400)))
    return replace(person, limits=limits)


def _pace_only(person: Participant) -> Limits:
    """A runner knows the target pace and runs it; nobody's body knows of any other limit."""
    return Limits(heart_rate_high_bpm=None, fatigue_drop_share=None, pace_target_s_per_km=person.limits.pace_target_s_per_km)


def _reading(event: HeartRate | Power | Speed, arrival_ms: int, factor: float) -> Reading:
    value: dict[str, Any]
    match event:
        case HeartRate():
            kind, value = "heart_rate", {"heart_rate_bpm": event.heart_rate_bpm}
        case Power():
            kind, value = "power", {"power_watts": round(event.power_watts * factor)}
        case Speed():
            kind, value = "speed", {"speed_mps": event.speed_mps * factor}
    return Reading(
        type=kind,
        event_id=event.event_id,
        member_id=event.member_id,
        device_id=event.device_id,
        event_time_ms=event.event_time_ms,
        received_time_ms=STARTED_MS + arrival_ms,
        session_id=event.session_id or "",
        source=event.source,
        **value,
    )


def _calm(kind: Kind, told: list[Told]) -> Calm:
    rules: dict[AlertRule, int] = {}
    moments: dict[int, list[int]] = {}
    for alert in told:
        rules[alert.rule] = rules.get(alert.rule, 0) + 1
        moments.setdefault(alert.member_id, []).append(alert.at_s)
    busiest = max((_most_within(seconds) for seconds in moments.values()), default=0)
    return Calm(kind.name, MEMBERS, rules, len(told) / MEMBERS / (SECONDS / WINDOW_S), busiest)


def _most_within(seconds: list[int]) -> int:
    return max(sum(begin <= at < begin + WINDOW_S for at in seconds) for begin in seconds)


def too_loud(classes: list[Calm]) -> list[str]:
    """Classes that a sensible trainer would call noisy: more than one alert per member and ten minutes."""
    return [
        f"{one.name}: {one.per_member_10_min:.2f} alerts per member and 10 minutes, {one.busiest} for one member"
        for one in classes
        if one.per_member_10_min > 1 or one.busiest > 1
    ]
