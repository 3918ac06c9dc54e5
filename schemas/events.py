"""Events as they travel on `device-events` and `app-events`: what devices measured and what people did.

Every event names its id, schema version, session, source, device, the time it happened and the time it was received. The
gateway stamps `session_id` (from the roster of the running class) and `received_time_ms`; a sender may leave them out.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.ranges import (
    AltitudeM,
    CadenceRpm,
    ClassId,
    ClockOffsetMs,
    DeviceId,
    DistanceM,
    EnergyKcal,
    EpochMs,
    EventId,
    HeartRateBpm,
    LatitudeDeg,
    LongitudeDeg,
    LongText,
    MemberId,
    PowerWatts,
    RrMs,
    SessionId,
    ShortText,
    SourceId,
    SpeedMps,
    StepCount,
)

SCHEMA_VERSION = 1
NO_SESSION = "00000000-0000-0000-0000-000000000000"
"""The session of an event that was measured outside any running session."""

SchemaVersion = Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)]
Landmark = tuple[float, float, float, float]
"""x, y (shares of the picture), z (same scale as x), visibility 0 to 1."""


class DeviceEnvelope(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """What every device event carries, whatever it measured."""

    event_id: EventId
    schema_version: SchemaVersion = 1
    member_id: MemberId
    session_id: SessionId | None = None
    source: SourceId = "heart_rate_monitor"
    device_id: DeviceId
    event_time_ms: EpochMs
    received_time_ms: EpochMs | None = None
    clock_offset_ms: ClockOffsetMs | None = None
    """What the gateway has added to `event_time_ms` because the device's clock is wrong; nobody else sets it."""


class HeartRate(DeviceEnvelope, tag="heart_rate", frozen=True, kw_only=True):
    """One heart-rate notification of a strap; `rr_ms` are the beats since the last one, oldest first."""

    heart_rate_bpm: HeartRateBpm
    rr_ms: Annotated[tuple[RrMs, ...], Meta(max_length=64)] = ()
    contact: bool | None = None


class Power(DeviceEnvelope, tag="power", frozen=True, kw_only=True):
    power_watts: PowerWatts


class Cadence(DeviceEnvelope, tag="cadence", frozen=True, kw_only=True):
    cadence_rpm: CadenceRpm


class Speed(DeviceEnvelope, tag="speed", frozen=True, kw_only=True):
    """`distance_m` is the device's own running total, where it has one."""

    speed_mps: SpeedMps
    distance_m: DistanceM | None = None


class Position(DeviceEnvelope, tag="position", frozen=True, kw_only=True):
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    altitude_m: AltitudeM | None = None


class Pose(DeviceEnvelope, tag="pose", frozen=True, kw_only=True):
    """The 33 body landmarks of one picture (BlazePose order). Pictures themselves never leave the edge."""

    landmarks: Annotated[tuple[Landmark, ...], Meta(min_length=33, max_length=33)]
    exercise: ShortText | None = None


class Steps(DeviceEnvelope, tag="steps", frozen=True, kw_only=True):
    """The device's running total since the session began."""

    step_count: StepCount


class Energy(DeviceEnvelope, tag="energy", frozen=True, kw_only=True):
    """The device's running total since the session began."""

    energy_kcal: EnergyKcal


DeviceEvent = HeartRate | Power | Cadence | Speed | Position | Pose | Steps | Energy
DEVICE_EVENT_TYPES: tuple[type[DeviceEnvelope], ...] = (
    HeartRate,
    Power,
    Cadence,
    Speed,
    Position,
    Pose,
    Steps,
    Energy,
)


class AppEnvelope(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """What every app event carries. `actor_id` is the user who did it (none: the system)."""

    event_id: EventId
    schema_version: SchemaVersion = 1
    session_id: SessionId
    class_id: ClassId | None = None
    member_id: MemberId | None = None
    actor_id: int | None = None
    source: SourceId = "trainer_input"
    device_id: DeviceId = "app"
    event_time_ms: EpochMs
    received_time_ms: EpochMs | None = None


class SessionOpened(AppEnvelope, tag="session_opened", frozen=True, kw_only=True):
    """The doors are open: check-in is possible, nothing counts yet."""


class SessionStarted(AppEnvelope, tag="session_started", frozen=True, kw_only=True):
    class_type: ShortText
    expected_members: Annotated[int, Meta(ge=0, le=10_000)]


class SessionPaused(AppEnvelope, tag="session_paused", frozen=True, kw_only=True):
    """The class stands still: alerts are held back, measuring goes on."""


class SessionResumed(AppEnvelope, tag="session_resumed", frozen=True, kw_only=True):
    pass


class SessionEnded(AppEnvelope, tag="session_ended", frozen=True, kw_only=True):
    reason: ShortText = "ended by trainer"


class CheckedIn(AppEnvelope, tag="checked_in", frozen=True, kw_only=True):
    pass


class CheckedOut(AppEnvelope, tag="checked_out", frozen=True, kw_only=True):
    duration_s: Annotated[int, Meta(ge=0)] | None = None


class NoteAdded(AppEnvelope, tag="note_added", frozen=True, kw_only=True):
    """A note on the class, or on a member when `member_id` is given."""

    text: LongText
    note_type: ShortText = "general"


class MarkerAdded(AppEnvelope, tag="marker_added", frozen=True, kw_only=True):
    """A point in the class's time, such as `warmup_end` or `main_workout_start`."""

    marker_type: ShortText
    label: ShortText = ""


class RatingGiven(AppEnvelope, tag="rating_given", frozen=True, kw_only=True):
    rating_type: ShortText
    value: Annotated[float, Meta(ge=0, le=10)]


class AlertAcknowledged(AppEnvelope, tag="alert_acknowledged", frozen=True, kw_only=True):
    alert_id: EventId
    actor_name: ShortText = ""


class MemberChanged(AppEnvelope, tag="member_changed", frozen=True, kw_only=True):
    """The member's limits or zones changed while the session runs; the new ones are in `directory`."""


class RosterChanged(AppEnvelope, tag="roster_changed", frozen=True, kw_only=True):
    change: Literal["added", "removed"]


AppEvent = (
    SessionOpened
    | SessionStarted
    | SessionPaused
    | SessionResumed
    | SessionEnded
    | CheckedIn
    | CheckedOut
    | NoteAdded
    | MarkerAdded
    | RatingGiven
    | AlertAcknowledged
    | MemberChanged
    | RosterChanged
)
APP_EVENT_TYPES: tuple[type[AppEnvelope], ...] = (
    SessionOpened,
    SessionStarted,
    SessionPaused,
    SessionResumed,
    SessionEnded,
    CheckedIn,
    CheckedOut,
    NoteAdded,
    MarkerAdded,
    RatingGiven,
    AlertAcknowledged,
    MemberChanged,
    RosterChanged,
)


class Reading(Struct, frozen=True, gc=False):
    """A device event read for its numbers only: the slim form that the flows decode, one per message.

    Fields of other types stay `None`. It forgives unknown fields, and holds values to the same ranges as the full events. Texts
    are held to their lengths only: matching their patterns would cost three times as much as all the rest, the door has
    done it, and a session that is not in the directory is refused anyway.
    """

    type: str
    event_id: Annotated[str, Meta(min_length=8, max_length=64)]
    member_id: MemberId
    device_id: DeviceId
    event_time_ms: EpochMs
    received_time_ms: EpochMs
    session_id: Annotated[str, Meta(min_length=36, max_length=36)]
    source: Annotated[str, Meta(min_length=1, max_length=64)] = "heart_rate_monitor"
    heart_rate_bpm: HeartRateBpm | None = None
    rr_ms: tuple[RrMs, ...] = ()
    contact: bool | None = None
    power_watts: PowerWatts | None = None
    cadence_rpm: CadenceRpm | None = None
    speed_mps: SpeedMps | None = None
    distance_m: DistanceM | None = None
    latitude_deg: LatitudeDeg | None = None
    longitude_deg: LongitudeDeg | None = None
    altitude_m: AltitudeM | None = None
    step_count: StepCount | None = None
    energy_kcal: EnergyKcal | None = None


device_event_decoder = msgspec.json.Decoder(DeviceEvent)
app_event_decoder = msgspec.json.Decoder(AppEvent)
reading_decoder = msgspec.json.Decoder(Reading)
