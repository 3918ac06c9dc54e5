"""Builders: sessions, members and readings as the tests need them."""

from collections.abc import Sequence
from typing import Any

from schemas.directory import Limits, Participant, SessionRecord
from schemas.events import Reading

SESSION = "0192aaaa-0000-7000-8000-000000000001"
STARTED_MS = 1_763_712_013_250
"""Neither a whole second nor a whole minute."""
FLOORS = (95, 114, 133, 152, 171)


def member(member_id: int, **changes: Any) -> Participant:
    known = {
        "name": f"Member {member_id}",
        "sex": "female",
        "age_years": 30,
        "mass_kg": 65.0,
        "max_heart_rate_bpm": 190,
        "resting_heart_rate_bpm": 60,
        "ftp_watts": 200,
        "heart_rate_zone_floors_bpm": FLOORS,
        "limits": Limits(heart_rate_high_bpm=None, fatigue_drop_share=None),
    }
    return Participant(member_id=member_id, **(known | changes))


def session(members: Sequence[Participant], **changes: Any) -> SessionRecord:
    known = {
        "session_id": SESSION,
        "class_id": 5,
        "class_name": "Spin at six",
        "class_type": "spinning",
        "started_at_ms": STARTED_MS,
    }
    return SessionRecord(participants=tuple(members), **(known | changes))


def reading(member_id: int, at_ms: int, **values: Any) -> Reading:
    """A reading `at_ms` after the start; `received` milliseconds after it was measured."""
    received = values.pop("received", 40)
    kind = next(iter(values), "heart_rate_bpm").rsplit("_", 1)[0]
    known = {"session_id": SESSION, "device_id": "strap", "event_id": f"{kind}:{member_id}:{at_ms}"}
    event_time_ms = STARTED_MS + at_ms
    fields = known | {"event_time_ms": event_time_ms, "received_time_ms": event_time_ms + received} | values
    return Reading(type=kind, member_id=member_id, **fields)


def heart_rates(member_id: int, values: Sequence[int], begin_s: int = 0) -> list[Reading]:
    """One value a second."""
    return [reading(member_id, (begin_s + at) * 1000, heart_rate_bpm=bpm) for at, bpm in enumerate(values)]
