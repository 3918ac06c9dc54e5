"""What straps, meters and pods measure: a pure function of seed, member and second, so that nothing needs to be remembered."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.events import Cadence, DeviceEvent, Energy, HeartRate, Power, Reading, Speed

LIFT_BPM = 45
LIFT_STEP_BPM = 15
"""Faster changes would be taken for a loose strap."""
KINDS = ("heart_rate", "power", "cadence", "speed", "energy")


@dataclass(frozen=True)
class Body:
    """One member's habits. `phase_ms` is where in each second their devices send."""

    member_id: int
    base_bpm: int
    phase_ms: int
    beats: bool
    """Whether the strap sends RR intervals."""
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Tick:
    """One second of one class as it was sent: who had a signal, and whose heart rate was lifted by how much."""

    session_id: str
    second: int
    """Since 1970."""
    from_start_s: int
    members: tuple[int, ...]
    lifts: Mapping[int, int]
    named: bool
    """Whether the hub says which session it serves, or leaves that to the gateway."""


def make_body(seed: int, number: int, member_id: int, kinds: Sequence[str]) -> Body:
    """The `number`-th member of a run with this seed; ids differ between runs, habits do not."""
    rng = random.Random(f"{seed}/{number}")
    return Body(member_id, rng.randrange(138, 152), rng.randrange(0, 950), number % 4 == 0, tuple(kinds))


def events_of(tick: Tick, bodies: Mapping[int, Body]) -> Iterator[DeviceEvent]:
    """Everything that is measured in this second."""
    for member_id in tick.members:
        body = bodies[member_id]
        for kind in body.kinds:
            yield _event(kind, tick, body)


def readings_of(tick: Tick, bodies: Mapping[int, Body]) -> list[Reading]:
    """The same as flows read it, with the session that it belongs to."""
    made = []
    for event in events_of(tick, bodies):
        values = {name: value for name in event.__struct_fields__ if (value := getattr(event, name)) is not None}
        values |= {"session_id": tick.session_id, "received_time_ms": event.event_time_ms}
        values.pop("schema_version")
        made.append(Reading(type=event.__struct_config__.tag, **values))
    return made


def heart_rate_bpm(body: Body, from_start_s: int, lift_bpm: int) -> int:
    """Between 130 and 160 at rest from lifting."""
    wave = round(6 * math.sin((from_start_s + body.base_bpm) / 19))
    return body.base_bpm + wave + _noise(body.base_bpm + body.phase_ms, from_start_s, 5) - 2 + lift_bpm


def _event(kind: str, tick: Tick, body: Body) -> DeviceEvent:
    at, from_start_s = tick.second * 1_000 + body.phase_ms, tick.from_start_s
    shared = {
        "event_id": f"{kind[:2]}:{body.member_id}:{at}",
        "member_id": body.member_id,
        "session_id": tick.session_id if tick.named else None,
        "device_id": f"{kind}-{body.member_id}",
        "event_time_ms": at,
    }
    noise = _noise(body.phase_ms, from_start_s, 40)
    match kind:
        case "heart_rate":
            bpm = heart_rate_bpm(body, from_start_s, tick.lifts.get(body.member_id, 0))
            beat_ms = 60_000 // bpm
            rr_ms = (beat_ms - noise // 4, beat_ms + noise // 3)[: 1 + from_start_s % 2] if body.beats else ()
            return HeartRate(**shared, heart_rate_bpm=bpm, rr_ms=rr_ms)
        case "power":
            return Power(**shared, source="power_meter", power_watts=150 + noise)
        case "cadence":
            return Cadence(**shared, source="cadence_sensor", cadence_rpm=80 + noise / 4)
        case "speed":
            return Speed(**shared, source="speed_sensor", speed_mps=7 + noise / 8, distance_m=7.0 * from_start_s)
    return Energy(**shared, source="ergometer", energy_kcal=from_start_s / 5)


def _noise(salt: int, second: int, below: int) -> int:
    mixed = (salt * 2_654_435_761 + second * 40_503 + 977) & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 15) * 0x85EBCA6B & 0xFFFFFFFF
    return (mixed >> 16) % below
