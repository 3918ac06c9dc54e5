"""Straps that fall silent: for good reasons, for too short, one by one and all together."""

import numpy as np
from numpy.typing import NDArray

from schemas.alerts import AlertRule
from tests.accuracy.sensors import STEADY_STRAP, arrivals, measured
from tests.accuracy.single_rules import SECONDS, STARTED_MS, person, record
from tests.accuracy.truth import Excursion, Script

Rng = np.random.Generator
RULE: AlertRule = "lost_signal"
LEFT_AFTER_S = 180
SETTLED_S = 60


def straps_fall_silent(number: int, members: int, rng: Rng) -> Script:
    """Each member's strap is silent now and then: for 26 to 150 s, or for 5 to 14 s, which is nobody's business."""
    people = tuple(person(at) for at in range(1, members + 1))
    script = Script(record(number, people))
    for member in people:
        present = np.ones(SECONDS, dtype=bool)
        at = SETTLED_S + int(rng.integers(0, 120))
        while at < SECONDS - 400:
            lost = rng.random() < 0.5
            length = int(rng.integers(26, 150)) if lost else int(rng.integers(5, 15))
            _silence(script, present, member.member_id, at, length, lost=lost)
            at += length + int(rng.integers(120, 300))
        if at < SECONDS - 250 and rng.random() < 0.5:
            _silence(script, present, member.member_id, SECONDS - 250, 250, lost=True)
        _send(script, member.member_id, present, rng)
    return script


def receiver_fails(number: int, members: int, rng: Rng) -> Script:
    """The room's receiver fails, and with it everybody at once: that is one alert of the class and none of its members."""
    people = tuple(person(at) for at in range(1, members + 1))
    script = Script(record(number, people))
    present = np.ones(SECONDS, dtype=bool)
    at = 200
    while at < SECONDS - 400:
        lost = rng.random() < 0.6
        length = int(rng.integers(30, 120)) if lost else int(rng.integers(5, 12))
        _silence(script, present, 0, at, length, lost=lost)
        at += length + int(rng.integers(150, 300))
    for member in people:
        _send(script, member.member_id, present, rng)
    return script


def _silence(  # one silence
    script: Script, present: NDArray[np.bool_], member_id: int, at: int, length: int, *, lost: bool
) -> None:
    present[at : at + length] = False
    if lost:
        until = at + min(length, LEFT_AFTER_S)
        script.excursions.append(Excursion(script.record.session_id, member_id, RULE, at, until))
    else:
        script.harmless[RULE] = script.harmless.get(RULE, 0) + 1


def _send(script: Script, member_id: int, present: NDArray[np.bool_], rng: Rng) -> None:
    truth = np.full(SECONDS, rng.uniform(110, 150))
    who = {"session_id": script.record.session_id, "member_id": member_id, "started_at_ms": STARTED_MS}
    script.arrivals += arrivals(STEADY_STRAP, measured(STEADY_STRAP, truth, rng), present, who, rng)
