"""Members who tire, and members who only look as if they did: the heart drifts a little, or the work is another."""

from typing import Final

import numpy as np
from msgspec.structs import replace

from schemas.alerts import AlertRule
from tests.accuracy.sensors import POWER_METER, STRAP, Column, arrivals, measured
from tests.accuracy.single_rules import NO_LIMITS, SECONDS, STARTED_MS, person, record
from tests.accuracy.truth import Excursion, Script

Rng = np.random.Generator
RULE: AlertRule = "fatigue"
SHARE: Final = 0.15
FIRST_S: Final = 1_200
"""Nobody tires before the reference is known and five more minutes are over."""


def some_tire(number: int, members: int, rng: Rng) -> Script:
    """Half of them lose 20 to 30 % of their output per heartbeat over some minutes; the rest lose up to 10 %, or ease off."""
    people = tuple(person(at, limits=replace(NO_LIMITS, fatigue_drop_share=SHARE)) for at in range(1, members + 1))
    script = Script(record(number, people))
    for member in people:
        heart, power = _truth(script, member.member_id, rng)
        present = np.ones(SECONDS, dtype=bool)
        who = {"session_id": script.record.session_id, "member_id": member.member_id, "started_at_ms": STARTED_MS}
        script.arrivals += arrivals(STRAP, measured(STRAP, heart, rng), present, who, rng)
        script.arrivals += arrivals(POWER_METER, measured(POWER_METER, power, rng), present, who, rng)
    return script


def _truth(script: Script, member_id: int, rng: Rng) -> tuple[Column, Column]:
    second = np.arange(SECONDS)
    beat, watts = rng.uniform(120, 140), rng.uniform(130, 200)
    swing = 1 + 0.05 * np.sin(2 * np.pi * second / rng.uniform(200, 400))
    power = watts * swing
    kind = str(rng.choice(["tires", "tires", "drifts", "eases off"]))
    begin, ramp = int(rng.integers(FIRST_S, 1_700)), int(rng.integers(120, 400))
    drop = rng.uniform(0.20, 0.30) if kind == "tires" else rng.uniform(0.0, 0.10)
    course = drop * np.clip((second - begin) / ramp, 0, 1)
    if kind == "tires":
        reached = begin + int(np.ceil(ramp * SHARE / drop))
        script.excursions.append(Excursion(script.record.session_id, member_id, RULE, reached, SECONDS - 1))
    else:
        script.harmless[RULE] = script.harmless.get(RULE, 0) + 1
    shared = rng.uniform(0.3, 1.0)
    power = power * (1 - shared * 0.5 * course)
    heart = beat * (power / watts) / (1 - course)
    if kind == "eases off":
        power = np.where(second > begin, power * 0.5, power)
        heart = np.where(second > begin, heart * 0.75, heart)
    return np.clip(heart, 60, 205), power
