"""Records on the compacted topic `directory`: people, sessions and devices, as gateway and flows need to know them.

The API publishes the session's record before anything can be stamped with its id, so a flow that meets a session it does not
know reads `directory` to its present end and then either knows it or rejects the event. The members' zones and limits
are a copy of the day: later changes of a profile do not rewrite what an old session showed.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.ranges import ClassId, EpochMs, MemberId, SessionId, ShortText

ID_MAX = 2**53 - 1
BPM_MAX = 1_000
DURATION_S_MAX = 366 * 86_400
PACE_S_PER_KM_MAX = 100_000

Sex = Literal["female", "male"]
Severity = Literal["info", "warning", "critical"]


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Personal alert thresholds; none means that the rule does not apply to this member."""

    heart_rate_high_bpm: int | None = 180
    heart_rate_low_bpm: int | None = None
    heart_rate_zone_high: Annotated[int, Meta(ge=1, le=5)] | None = None
    """Alert when above this zone."""
    heart_rate_zone_low: Annotated[int, Meta(ge=1, le=5)] | None = None
    pace_target_s_per_km: float | None = None
    pace_tolerance_share: Annotated[float, Meta(gt=0, le=1)] = 0.1
    power_zone_high: Annotated[int, Meta(ge=1, le=7)] | None = None
    power_zone_low: Annotated[int, Meta(ge=1, le=7)] | None = None
    fatigue_drop_share: Annotated[float, Meta(gt=0, le=1)] | None = 0.15


class Participant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member as this session sees them: name on the wall, physiology, zones and limits."""

    member_id: MemberId
    name: ShortText
    sex: Sex | None = None
    age_years: Annotated[int, Meta(ge=5, le=120)] | None = None
    mass_kg: Annotated[float, Meta(ge=20, le=300)] | None = None
    max_heart_rate_bpm: Annotated[int, Meta(ge=100, le=240)] = 190
    max_heart_rate_measured: bool = False
    resting_heart_rate_bpm: Annotated[int, Meta(ge=25, le=120)] | None = None
    threshold_heart_rate_bpm: Annotated[int, Meta(ge=80, le=230)] | None = None
    ftp_watts: Annotated[int, Meta(ge=30, le=700)] | None = None
    heart_rate_zone_floors_bpm: Annotated[tuple[int, ...], Meta(min_length=5, max_length=5)]
    """Lower bound of zones 1 to 5; below the first lies zone 0. A value equal to a bound belongs to the higher zone."""
    limits: Limits = Limits()


class Segment(Struct, frozen=True, kw_only=True):
    """A planned part of a class, such as warm-up or intervals."""

    name: ShortText
    duration_s: Annotated[int, Meta(ge=1)]


class ClassLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bounds of the class as a whole; outside them the trainer is told."""

    intensity_low: Annotated[float, Meta(ge=0, le=10)] = 3.0
    intensity_high: Annotated[float, Meta(ge=0, le=10)] = 8.0
    attendance_low: Annotated[float, Meta(ge=0, le=1)] = 0.7


class SessionRecord(Struct, frozen=True, kw_only=True, tag="session", tag_field="kind", omit_defaults=True):
    """One data collection: a class from start to end, or a member training alone."""

    session_id: SessionId
    class_id: ClassId | None = None
    class_name: ShortText
    class_type: ShortText
    trainer_id: int | None = None
    trainer_name: ShortText = ""
    state: Literal["active", "paused", "completed"] = "active"
    started_at_ms: EpochMs
    planned_duration_s: Annotated[int, Meta(ge=0)] = 3600
    ended_at_ms: EpochMs | None = None
    segments: tuple[Segment, ...] = ()
    limits: ClassLimits = ClassLimits()
    participants: tuple[Participant, ...] = ()


class MemberRecord(Struct, frozen=True, kw_only=True, tag="member", tag_field="kind", omit_defaults=True):
    """That a member exists; the gateway rejects events of members it has never heard of."""

    member_id: MemberId
    active: bool = True


class DeviceRecord(Struct, frozen=True, kw_only=True, tag="device", tag_field="kind", omit_defaults=True):
    """A device token's right to send: for one member (a strap's phone) or for any member (a gateway in the room)."""

    token_id: str
    token_sha256: str
    """Hex digest of the whole token; the token itself is shown once and kept nowhere."""
    device_id: str
    scope: Literal["member", "gateway"]
    member_id: MemberId | None = None
    revoked: bool = False


DirectoryRecord = SessionRecord | MemberRecord | DeviceRecord
directory_decoder = msgspec.json.Decoder(DirectoryRecord)


def directory_key(record: DirectoryRecord) -> bytes:
    """The compaction key: the newest record of a key is the truth about it."""
    match record:
        case SessionRecord():
            return f"session:{record.session_id}".encode()
        case MemberRecord():
            return f"member:{record.member_id}".encode()
        case DeviceRecord():
            return f"device:{record.token_id}".encode()


def implausible(record: DirectoryRecord) -> str:
    """Which number of a record is none that our doors let in, though its type allows it; empty when all is well.

    Readers hold bounds in narrow columns and divide by targets: one number out of bounds would stop every flow that reads it.
    """
    if not isinstance(record, SessionRecord):
        return ""
    if not (0 <= (record.trainer_id or 0) <= ID_MAX and 0 <= record.planned_duration_s <= DURATION_S_MAX):
        return f"trainer_id {record.trainer_id}, planned_duration_s {record.planned_duration_s}"
    for segment in record.segments:
        if segment.duration_s > DURATION_S_MAX:
            return f"duration_s {segment.duration_s} of a segment"
    for person in record.participants:
        limits, floors = person.limits, person.heart_rate_zone_floors_bpm
        high, low, pace = limits.heart_rate_high_bpm or 0, limits.heart_rate_low_bpm or 0, limits.pace_target_s_per_km
        if min(high, low, *floors) < 0 or max(high, low, *floors) > BPM_MAX:
            return f"limits {high} and {low} bpm, zones from {floors} bpm, of member {person.member_id}"
        if pace is not None and not 1 <= pace <= PACE_S_PER_KM_MAX:
            return f"pace_target_s_per_km {pace} of member {person.member_id}"
    return ""
