"""What the live flow writes to the warehouse, named as the tables' columns. Times are epoch milliseconds unless said."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MemberMinute:
    """A row of `member_minutes`."""

    session_id: str
    class_id: int
    """0: none."""
    member_id: int
    minute: int
    """First second of the minute, epoch seconds."""
    heart_rate_avg_bpm: float | None
    heart_rate_max_bpm: int | None
    power_avg_watts: float | None
    cadence_avg_rpm: float | None
    speed_avg_mps: float | None
    intensity: float | None
    zone_s: tuple[float, ...]
    effort_points: float
    trimp: float
    seconds_seen: int
    version: int


@dataclass(frozen=True, kw_only=True)
class MemberSummary:
    """A row of `member_summaries`."""

    session_id: str
    class_id: int
    member_id: int
    member_name: str
    attended: bool
    heart_rate_avg_bpm: float | None
    heart_rate_max_bpm: int | None
    zone_s: tuple[float, ...]
    intensity: float | None
    effort_points: float
    trimp: float | None
    energy_kcal: float | None
    power_avg_watts: float | None
    power_max_watts: int | None
    normalized_power_watts: float | None
    cadence_avg_rpm: float | None
    speed_avg_mps: float | None
    distance_m: float | None
    rmssd_ms: float | None
    seconds_seen: int
    first_value_at: int | None
    last_value_at: int | None
    alerts: int
    revision: int
    computed_from: str


@dataclass(frozen=True, kw_only=True)
class SessionSummary:
    """A row of `class_summaries`, with the rows of its members and its minutes."""

    session_id: str
    class_id: int
    class_name: str
    class_type: str
    trainer_id: int
    """0: none."""
    started_at: int
    ended_at: int
    expected: int
    attended: int
    average_intensity: float | None
    intensity_low: int
    intensity_medium: int
    intensity_high: int
    alerts: int
    summary: dict[str, Any]
    """The documented summary (feature A5), ready for JSON."""
    late_events: int
    revision: int
    computed_from: str
    members: tuple[MemberSummary, ...]
    minutes: tuple[MemberMinute, ...] = ()
    """Only of a recomputed summary: every minute of the session anew, with a higher version."""
