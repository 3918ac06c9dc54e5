"""Classes that work too hard or not hard enough as a whole, and classes to which too few come."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.alerts import AlertRule
from schemas.directory import ClassLimits
from tests.accuracy.sensors import STEADY_STRAP, Column, arrivals, measured
from tests.accuracy.single_rules import COOL_DOWN_S, SECONDS, STARTED_MS, WARM_UP_S, person, record
from tests.accuracy.truth import Excursion, Script

Rng = np.random.Generator
LOW: Final = 3.0
HIGH: Final = 8.0
MAX_BPM, RESTING_BPM = 190, 60
AWAY_S: Final = 500
"""More than the five minutes for which a rule about the class stays quiet after an alert."""
SPARSE_S: Final = 8
JUDGED_S: Final = 600
APART: Final = 0.3


def class_out_of_range(number: int, members: int, rng: Rng) -> Script:
    """A class whose mean intensity leaves 3 to 8 for minutes, comes close to it, or leaves it for seconds."""
    limits = ClassLimits(intensity_low=LOW, intensity_high=HIGH, attendance_low=0)
    people = tuple(person(at) for at in range(1, members + 1))
    script = Script(record(number, people, limits=limits))
    mean = _course(script, rng)
    for member in people:
        apart = APART * (1 if member.member_id % 2 else -1)  # pairs lie as far above the mean as below it
        truth = RESTING_BPM + (MAX_BPM - RESTING_BPM) * np.clip(mean + apart, 0, 10) / 10
        _send(script, member.member_id, truth, np.ones(SECONDS, dtype=bool), rng)
    return script


def few_come(number: int, rng: Rng) -> Script:
    """A roster of which some come, some of them late; judged once, after ten minutes."""
    expected = int(rng.integers(5, 13))
    people = tuple(person(at) for at in range(1, expected + 1))
    script = Script(record(number, people, limits=ClassLimits(intensity_low=0, intensity_high=10, attendance_low=0.7)))
    low = bool(rng.random() < 0.5)
    coming = [share for share in range(expected + 1) if (share / expected < 0.7) == low]
    present = int(rng.choice(coming))
    for member_id in range(1, present + 1):
        begin = int(rng.integers(0, JUDGED_S - 60))
        _send(script, member_id, np.full(SECONDS, 130.0), _sparse(begin), rng)
    late = present + 1
    if low and late <= expected and (late / expected) < 0.7:
        _send(script, late, np.full(SECONDS, 130.0), _sparse(JUDGED_S + 60), rng)
    if low:
        script.excursions.append(Excursion(script.record.session_id, 0, "low_attendance", JUDGED_S, JUDGED_S + 10))
    else:
        script.harmless["low_attendance"] = 1
    return script


def _course(script: Script, rng: Rng) -> Column:
    """Mean intensity, second by second."""
    mean = np.full(SECONDS, 5.5)
    mean[: WARM_UP_S - 60] = 2.0
    mean[SECONDS - COOL_DOWN_S + 30 :] = 2.0
    _harmless(script, "class_intensity_low", 2)
    at = WARM_UP_S + 90
    for side in rng.permutation(["low", "high"]).tolist():
        for kind in rng.permutation(["far", "close", "short"]).tolist():
            at = _episode(script, mean, at, side, kind, rng)
    return mean


def _episode(script: Script, mean: Column, at: int, side: str, kind: str, rng: Rng) -> int:  # one episode
    """Write one episode in; where the next may begin."""
    rule: AlertRule = "class_intensity_low" if side == "low" else "class_intensity_high"
    bound, sign = (LOW, -1) if side == "low" else (HIGH, 1)
    length = {"far": 210, "close": 150, "short": 40}[kind] + int(rng.integers(0, 60 if kind != "short" else 10))
    depth = -rng.uniform(0.4, 0.8) if kind == "close" else rng.uniform(0.4, 1.2)
    if at + length > SECONDS - COOL_DOWN_S - 30:
        return at
    mean[at : at + length] = bound + sign * depth
    if kind == "far":
        script.excursions.append(Excursion(script.record.session_id, 0, rule, at, at + length - 1))
    else:
        _harmless(script, rule, 1)
    return at + length + int(rng.integers(90, 150))


def _harmless(script: Script, rule: AlertRule, count: int) -> None:
    script.harmless[rule] = script.harmless.get(rule, 0) + count


def _sparse(begin: int) -> NDArray[np.bool_]:
    present = np.zeros(SECONDS, dtype=bool)
    present[begin::SPARSE_S] = True
    return present


def _send(script: Script, member_id: int, truth: Column, present: NDArray[np.bool_], rng: Rng) -> None:
    who = {"session_id": script.record.session_id, "member_id": member_id, "started_at_ms": STARTED_MS}
    script.arrivals += arrivals(STEADY_STRAP, measured(STEADY_STRAP, truth, rng), present, who, rng)
