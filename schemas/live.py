"""Live metrics on topic `live`: one columnar message per session, a keyframe or the changes since the message before.

Rows are the participants of the session, columns the metrics in `LIVE_COLUMNS`. A keyframe names all rows; a delta names the
rows that changed (`rows` are positions in the last keyframe's `members`) and, of those, the columns in which any changed.
`sequence` grows by one per session: a reader that misses one waits for the next keyframe.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.ranges import ClassId, EpochMs, SessionId

MemberState = Literal["live", "stale", "no_strap", "left"]
Scalar = int | float | str | None

LIVE_COLUMNS: dict[str, str] = {
    "state": "live, stale (no value for 5 s), no_strap (no value yet), left (no value for 3 minutes, or checked out)",
    "heart_rate_bpm": "newest heart rate",
    "heart_rate_at_ms": "event time of the newest heart rate",
    "heart_rate_10s_bpm": "mean of the last 10 s",
    "heart_rate_60s_bpm": "mean of the last 60 s",
    "heart_rate_avg_bpm": "mean over the session",
    "heart_rate_max_bpm": "maximum over the session, suspect values left out",
    "zone": "heart-rate zone 0 to 5 of the newest value",
    "zone_s": "seconds in zones 0 to 5 since the start",
    "power_watts": "newest power",
    "power_at_ms": "event time of the newest power",
    "power_10s_watts": "mean of the last 10 s",
    "power_60s_watts": "mean of the last 60 s",
    "power_avg_watts": "mean over the session",
    "power_zone": "power zone 1 to 7 of the 10 s mean, by FTP",
    "cadence_rpm": "newest cadence",
    "cadence_at_ms": "event time of the newest cadence",
    "speed_mps": "newest speed",
    "speed_at_ms": "event time of the newest speed",
    "pace_s_per_km": "pace of the 10 s mean speed",
    "pace_60s_s_per_km": "pace of the 60 s mean speed",
    "pace_avg_s_per_km": "pace of the mean speed over the session",
    "intensity": "intensity score 0 to 10 over the session",
    "intensity_60s": "intensity score 0 to 10 of the last 60 s",
    "effort_points": "1/2/3/4/4 points a minute by zone",
    "trimp": "Banister's training impulse",
    "energy_kcal": "from power where there is power, else from heart rate (Keytel)",
    "rmssd_ms": "root mean square of successive RR differences, last 60 s",
}


class ClassMetrics(Struct, frozen=True, kw_only=True):
    """The whole class at one moment."""

    expected: int
    active_members: int
    """Members whose state is live or stale."""
    attended: int
    """Members of whom at least one value or a check-in is known."""
    attendance_rate: float
    avg_heart_rate_bpm: float | None
    avg_intensity: float | None
    """Mean of the members' intensity over the session."""
    avg_intensity_60s: float | None
    intensity_distribution: dict[str, int]
    """Members with intensity low (< 4), medium (< 7), high."""
    zone_counts: tuple[int, int, int, int, int, int]
    """Live members in zones 0 to 5."""


class LiveUpdate(Struct, frozen=True, kw_only=True, tag="metrics_update", tag_field="type"):
    """One message on topic `live`."""

    session_id: SessionId
    class_id: ClassId | None
    sequence: int
    kind: Literal["key", "delta"]
    event_time_ms: EpochMs
    """The newest event time that is contained."""
    received_time_ms: EpochMs
    """When the newest contained event was received at the door; with it every later hop shows its lag."""
    session_state: Literal["active", "paused", "completed"]
    rows: tuple[int, ...]
    """Positions of the rows below; of a keyframe 0 to n - 1."""
    members: tuple[int, ...]
    """Keyframe: member ids by position. Delta: empty."""
    names: tuple[str, ...]
    """Keyframe: names by position. Delta: empty."""
    columns: dict[str, list[Any]]
    class_metrics: ClassMetrics


live_decoder = msgspec.json.Decoder(LiveUpdate)
