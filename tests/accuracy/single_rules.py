"""Members who are taken over one bound again and again, and nearly so in between: one class for each rule about a value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from schemas.alerts import AlertRule
from schemas.directory import ClassLimits, Limits, Participant, SessionRecord
from tests.accuracy.sensors import FOOT_POD, POWER_METER, STRAP, Column, Sensor, arrivals, measured
from tests.accuracy.truth import PROMISES, Excursion, Script

STARTED_MS: Final = 1_790_000_000_250
SECONDS: Final = 2_700
WARM_UP_S: Final = 300
COOL_DOWN_S: Final = 300
NO_LIMITS: Final = Limits(heart_rate_high_bpm=None, fatigue_drop_share=None)
QUIET_CLASS: Final = ClassLimits(intensity_low=0, intensity_high=10, attendance_low=0)
FLOORS: Final = (95, 114, 133, 152, 171)
FTP: Final = 220
PACE: Final = 330.0
TOLERANCE: Final = 0.1
Rng = np.random.Generator
Level = Callable[[Rng], float]


@dataclass(frozen=True)
class Theme:
    """How one rule is provoked. `outside` says of true values whether they are beyond the documented bound."""

    rule: AlertRule
    sensor: Sensor
    limits: Limits
    rest: Level
    beyond: Level
    close: Level
    outside: Callable[[Column], NDArray[np.bool_]]
    ramp_s: tuple[int, int]
    idle: Level | None = None
    """How slow people are while warming up and cooling down, where nobody is too slow; none where that plays no part."""


def _heart(rule: AlertRule, bound: int, sign: int, limits: Limits, *, slow_side: bool = False) -> Theme:
    """Excursions by 4 to 15 bpm; close calls 4 to 9 bpm short of the bound."""

    def beyond(rng: Rng) -> float:
        return bound + sign * float(rng.uniform(4, 15))

    return Theme(
        rule,
        STRAP,
        limits,
        rest=lambda rng: bound - sign * rng.uniform(12, 30),
        beyond=beyond,
        close=lambda rng: bound - sign * rng.uniform(4, 9),
        outside=lambda truth: sign * (truth - bound) > 0,
        ramp_s=(4, 25),
        idle=beyond if slow_side else None,
    )


def _power(rule: AlertRule, bound: float, sign: int, limits: Limits, *, slow_side: bool = False) -> Theme:
    """Excursions by 8 to 30 % of the bound; close calls 8 to 14 % short of it."""

    def beyond(rng: Rng) -> float:
        return bound * (1 + sign * float(rng.uniform(0.08, 0.30)))

    return Theme(
        rule,
        POWER_METER,
        limits,
        rest=lambda rng: bound * (1 - sign * rng.uniform(0.16, 0.30)),
        beyond=beyond,
        close=lambda rng: bound * (1 - sign * rng.uniform(0.08, 0.14)),
        outside=lambda truth: sign * (truth - bound) > 0,
        ramp_s=(1, 5),
        idle=beyond if slow_side else None,
    )


def _pace() -> Theme:
    """Excursions of 14 to 28 % off the target with a tolerance of 10 %; close calls of 4 to 6 % off."""

    def speed(off: float) -> float:
        return 1000 / (PACE * (1 + off))

    def either(rng: Rng, low: float, high: float) -> float:
        return speed(rng.uniform(low, high) * rng.choice([-1, 1]))

    return Theme(
        "pace_off_target",
        FOOT_POD,
        replace(NO_LIMITS, pace_target_s_per_km=PACE, pace_tolerance_share=TOLERANCE),
        rest=lambda rng: speed(rng.uniform(-0.03, 0.03)),
        beyond=lambda rng: either(rng, 0.14, 0.28),
        close=lambda rng: either(rng, 0.04, 0.06),
        outside=lambda truth: np.abs(1000 / truth - PACE) > TOLERANCE * PACE,
        ramp_s=(1, 6),
        idle=lambda rng: speed(rng.uniform(0.14, 0.28)),
    )


THEMES: Final = (
    _heart("heart_rate_high", 180, 1, replace(NO_LIMITS, heart_rate_high_bpm=180)),
    _heart("heart_rate_low", 90, -1, replace(NO_LIMITS, heart_rate_low_bpm=90)),
    _heart("heart_rate_above_zone", FLOORS[3], 1, replace(NO_LIMITS, heart_rate_zone_high=3)),
    _heart("heart_rate_below_zone", FLOORS[1], -1, replace(NO_LIMITS, heart_rate_zone_low=2), slow_side=True),
    _power("power_above_zone", 0.90 * FTP, 1, replace(NO_LIMITS, power_zone_high=3)),
    _power("power_below_zone", 0.75 * FTP, -1, replace(NO_LIMITS, power_zone_low=3), slow_side=True),
    _pace(),
)


def provoked_class(number: int, theme: Theme, members: int, rng: Rng) -> Script:
    """A class of 45 minutes in which each member has about a dozen episodes under this rule."""
    people = tuple(person(at, limits=theme.limits) for at in range(1, members + 1))
    script = Script(record(number, people))
    for member in people:
        truth = _truth_of(theme, member.member_id, script, rng)
        who = {"session_id": script.record.session_id, "member_id": member.member_id, "started_at_ms": STARTED_MS}
        shown = measured(theme.sensor, truth, rng)
        script.arrivals += arrivals(theme.sensor, shown, np.ones(SECONDS, dtype=bool), who, rng)
    return script


def person(member_id: int, **changes: object) -> Participant:
    known = {
        "name": f"Member {member_id}",
        "max_heart_rate_bpm": 190,
        "resting_heart_rate_bpm": 60,
        "ftp_watts": FTP,
        "heart_rate_zone_floors_bpm": FLOORS,
        "limits": NO_LIMITS,
    }
    return Participant(member_id=member_id, **(known | changes))  # type: ignore[arg-type]  # built by name


def record(number: int, people: tuple[Participant, ...], **changes: object) -> SessionRecord:
    known = {
        "session_id": f"{number:08x}-acc0-7000-8000-000000000001",
        "class_name": "Accuracy",
        "class_type": "spin",
        "started_at_ms": STARTED_MS,
        "planned_duration_s": SECONDS,
        "limits": QUIET_CLASS,
    }
    return SessionRecord(participants=people, **(known | changes))  # type: ignore[arg-type]  # built by name


def _truth_of(theme: Theme, member_id: int, script: Script, rng: Rng) -> Column:
    """A true value a second; its excursions and harmless episodes are written into the script."""
    truth = np.full(SECONDS, theme.rest(rng))
    minimum = PROMISES[theme.rule].minimum_s
    end = SECONDS - (COOL_DOWN_S + 30 if theme.idle else 30)
    if theme.idle:
        truth[: WARM_UP_S - 10] = theme.idle(rng)
        truth[SECONDS - COOL_DOWN_S + 5 :] = theme.idle(rng)
        script.harmless[theme.rule] = script.harmless.get(theme.rule, 0) + 2
    at = WARM_UP_S + int(rng.integers(20, 80)) if theme.idle else int(rng.integers(40, 120))
    while True:
        kind = str(rng.choice(["excursion", "excursion", "close", "short"]))
        holds = _length(kind, minimum, rng)
        ramp = 1 if kind == "short" else int(rng.integers(*theme.ramp_s))
        if at + holds + 2 * ramp >= end:
            return truth
        level = theme.close(rng) if kind == "close" else theme.beyond(rng)
        after = theme.rest(rng)
        _bend(truth, at, ramp, holds, level, after)
        if kind == "excursion":
            out = at + np.flatnonzero(theme.outside(truth[at : at + holds + 2 * ramp]))
            script.excursions.append(Excursion(script.record.session_id, member_id, theme.rule, int(out[0]), int(out[-1])))
        else:
            script.harmless[theme.rule] = script.harmless.get(theme.rule, 0) + 1
        at += holds + 2 * ramp + int(rng.integers(110, 200))


def _length(kind: str, minimum: int, rng: Rng) -> int:
    if kind == "excursion":
        return int(rng.integers(minimum + 8, minimum + 90))
    if kind == "close":
        return int(rng.integers(60, 200))
    return int(rng.integers(2, max(4, round(0.6 * minimum))))


def _bend(truth: Column, at: int, ramp: int, holds: int, level: float, after: float) -> None:  # one shape
    truth[at : at + ramp] = np.linspace(truth[at - 1], level, ramp + 1)[1:]
    truth[at + ramp : at + ramp + holds] = level
    truth[at + ramp + holds : at + holds + 2 * ramp] = np.linspace(level, after, ramp + 1)[1:]
    back = at + holds + 2 * ramp
    tail = truth[back:]
    tail[tail == truth[at - 1]] = after
    truth[back:] = tail
