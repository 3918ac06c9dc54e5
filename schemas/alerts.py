"""Alerts as they travel on topic `alerts` and over the WebSocket."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from schemas.directory import Severity
from schemas.ranges import ClassId, EpochMs, MemberId, SessionId

VERSION_MAX: Final = 2**53
REPEATED_MAX: Final = 2**16 - 1

AlertRule = Literal[
    "heart_rate_high",
    "heart_rate_low",
    "heart_rate_above_zone",
    "heart_rate_below_zone",
    "pace_off_target",
    "power_above_zone",
    "power_below_zone",
    "fatigue",
    "lost_signal",
    "class_intensity_low",
    "class_intensity_high",
    "low_attendance",
]


class AlertBody(Struct, frozen=True, kw_only=True):
    """The documented alert: `metric` is the column's name, `current` its value when raised, `threshold` the bound crossed."""

    severity: Severity
    message: str
    metric: str
    current: float | None
    threshold: float | None
    suggested_action: str = ""


class Alert(Struct, frozen=True, kw_only=True, tag="alert", tag_field="type"):
    """One state of one alert. The newest `version` of an `alert_id` is its present state.

    `alert_id` is made of session, member (0: the class), rule and the second of the event that raised it, so that a replay
    makes the same id. At most one alert per member and rule is active in a session.
    """

    alert_id: str
    version: int
    session_id: SessionId
    class_id: ClassId | None
    member_id: MemberId | None
    member_name: str
    rule: AlertRule
    state: Literal["active", "cleared"]
    timestamp: str
    """When it was raised, ISO 8601 UTC."""
    raised_at_ms: EpochMs
    updated_at_ms: EpochMs
    """Event time of this version."""
    cleared_at_ms: EpochMs | None = None
    acknowledged_at_ms: EpochMs | None = None
    acknowledged_by: str | None = None
    repeated: int = 0
    """How often it was repeated because nobody acknowledged it."""
    alert: AlertBody


alert_decoder = msgspec.json.Decoder(Alert)


def told_alert(value: bytes) -> Alert:
    """The alert in a message of the topic.

    Raises one of UNREADABLE when it is none, or has numbers that no alert of ours has: it could not be stored again.
    """
    alert = alert_decoder.decode(value)
    if not (1 <= alert.version <= VERSION_MAX and 0 <= alert.repeated <= REPEATED_MAX):
        raise msgspec.ValidationError(f"version {alert.version}, repeated {alert.repeated}: no alert of ours has these")
    return alert
