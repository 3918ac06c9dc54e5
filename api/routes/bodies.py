"""What requests may contain: every text without control marks, every number in the range of the sport."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from api.auth.passwords import LONGEST, SHORTEST
from api.principal import Role
from api.routes.access import SESSION_PATTERN
from schemas.messages import MESSAGE_LENGTH_MAX


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair") from None
    return value


def _storable_secret(value: SecretStr) -> SecretStr:
    _storable(value.get_secret_value())
    return value


def _rising(values: list[int]) -> list[int]:
    if sorted(set(values)) != values:
        raise ValueError("each zone must begin above the one before")
    return values


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_storable)]
MaybeLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_storable)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000), AfterValidator(_storable)]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
    AfterValidator(_storable),
]
Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST), AfterValidator(_storable_secret)]
NewPassword = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST), AfterValidator(_storable_secret)]
Bpm = Annotated[int, Field(ge=25, le=240)]
OwnFloors = Annotated[list[Bpm], Field(min_length=5, max_length=5), AfterValidator(_rising)]
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2100, 1, 1, tzinfo=UTC))]


class Body(BaseModel):
    """A request's body; unknown fields are refused, so that a misspelled one is not silently ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Login(Body):
    """E-mail address and password. `cookies: false` puts the refresh token into the answer instead of a cookie."""

    email: Annotated[str, StringConstraints(max_length=320), AfterValidator(_storable)]
    password: Password
    cookies: bool = True


class RefreshIn(Body):
    """For clients without cookies."""

    refresh_token: Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)] | None = None


class SegmentIn(Body):
    """A planned part of a class."""

    name: Line
    duration_s: Annotated[int, Field(ge=1, le=86_400)]


class ClassLimitsIn(Body):
    """Bounds of the class as a whole."""

    intensity_low: Annotated[float, Field(ge=0, le=10)] = 3.0
    intensity_high: Annotated[float, Field(ge=0, le=10)] = 8.0
    attendance_low: Annotated[float, Field(ge=0, le=1)] = 0.7


class ClassIn(Body):
    """A class for the schedule; an admin names its trainer, a trainer is it."""

    name: Line
    class_type: Line
    trainer_id: Id | None = None
    starts_at: Moment
    planned_duration_s: Annotated[int, Field(ge=60, le=86_400)] = 3_600
    segments: Annotated[list[SegmentIn], Field(max_length=50)] = []
    member_ids: Annotated[list[Id], Field(max_length=1_000)] = []
    limits: ClassLimitsIn = ClassLimitsIn()


class Roster(Body):
    """Exactly the members expected."""

    member_ids: Annotated[list[Id], Field(max_length=1_000)]


class Start(Body):
    """`expected_members` stand in for the roster."""

    expected_members: Annotated[list[Id], Field(max_length=1_000)] | None = None


class End(Body):
    """Why it ends."""

    reason: Line = "ended by trainer"


class Acknowledge(Body):
    """In which session the alert was raised."""

    session_id: Annotated[str, StringConstraints(pattern=SESSION_PATTERN)]


class Marker(Body):
    """A point in the class's time."""

    marker_type: Line
    label: MaybeLine = ""


class Note(Body):
    """On the class, or on one member."""

    text: Prose
    note_type: Line = "general"
    member_id: Id | None = None


class Who(Body):
    """A member."""

    member_id: Id


class Rating(Body):
    """The trainer's judgement of a member, 0 to 10."""

    member_id: Id
    rating_type: Line
    value: Annotated[float, Field(ge=0, le=10)]


class MessageIn(Body):
    """A message: of a leader to the class, or the one member named; of a member to the trainer."""

    session_id: Annotated[str, StringConstraints(pattern=SESSION_PATTERN)]
    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_LENGTH_MAX), AfterValidator(_storable)
    ]
    recipient_id: Id | None = None


class UserIn(Body):
    """A new user; without a password they cannot sign in until they are given one."""

    email: Email
    name: Line
    role: Role
    password: NewPassword | None = None


class UserPatch(Body):
    """Only what is given changes."""

    email: Email | None = None
    name: Line | None = None
    role: Role | None = None
    active: bool | None = None
    password: NewPassword | None = None


class ProfileIn(Body):
    """A member's physiology; what is left out becomes unknown."""

    sex: Literal["female", "male"] | None = None
    birth_date: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2100, 1, 1))] | None = None
    mass_kg: Annotated[float, Field(ge=20, le=300)] | None = None
    max_heart_rate_bpm: Annotated[int, Field(ge=100, le=240)] | None = None
    resting_heart_rate_bpm: Annotated[int, Field(ge=25, le=120)] | None = None
    threshold_heart_rate_bpm: Annotated[int, Field(ge=80, le=230)] | None = None
    ftp_watts: Annotated[int, Field(ge=30, le=700)] | None = None
    zone_scheme: Literal["maximum", "reserve", "threshold", "own"] = "maximum"
    own_zone_floors_bpm: OwnFloors | None = None


class LimitsIn(Body):
    """Personal alert thresholds; null switches a rule off for this member."""

    heart_rate_high_bpm: Bpm | None = 180
    heart_rate_low_bpm: Bpm | None = None
    heart_rate_zone_high: Annotated[int, Field(ge=1, le=5)] | None = None
    heart_rate_zone_low: Annotated[int, Field(ge=1, le=5)] | None = None
    pace_target_s_per_km: Annotated[float, Field(ge=60, le=3_600)] | None = None
    pace_tolerance_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    power_zone_high: Annotated[int, Field(ge=1, le=7)] | None = None
    power_zone_low: Annotated[int, Field(ge=1, le=7)] | None = None
    fatigue_drop_share: Annotated[float, Field(gt=0, le=1)] | None = 0.15


class DeviceIn(Body):
    """A token for one member's devices, or for a gateway that sends for anybody."""

    device_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_storable)]
    scope: Literal["member", "gateway"]
    member_id: Id | None = None


StrapAddress = Annotated[str, StringConstraints(to_upper=True, pattern=r"^[0-9A-Fa-f:-]{12,40}$")]


class SightingIn(Body):
    """A strap as its hub sees it. `state` is that of the link: `near` for one that is not followed."""

    address: StrapAddress
    name: Annotated[str, StringConstraints(max_length=64), AfterValidator(_storable)] = ""
    measures: Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)] = ""
    signal_dbm: Annotated[int, Field(ge=-127, le=20)] | None = None
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    seen_ms_ago: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    state: Literal["near", "looking", "connecting", "live", "resting"] = "near"


class SightingsIn(Body):
    """What a hub has seen since it last told."""

    sightings: Annotated[list[SightingIn], Field(max_length=200)]


class StrapMemberIn(Body):
    """Whose a strap is; none: nobody's."""

    member_id: Id | None
