"""Questions about a day's stored data: seconds that are missing, rows that are told twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.history import Reader
from schemas.directory import SessionRecord

GAP_S = 10
"""A longer pause between two values counts in no heart-rate zone."""
GAPS_SHARE_MAX = 0.05
GAPS_SQL = """
SELECT toString(session_id) AS session, member_id, toUInt32(sum(gap_s)) AS missing_s, toUInt32(count()) AS gaps,
    toUInt32(max(gap_s)) AS longest_s, any(span_s) AS whole_s
FROM (
    SELECT session_id, member_id, toUnixTimestamp(ts) - toUnixTimestamp(lagInFrame(ts) OVER before) AS gap_s,
        row_number() OVER before AS nth, max(toUnixTimestamp(ts)) OVER whole - min(toUnixTimestamp(ts)) OVER whole AS span_s
    FROM v_telemetry_1s WHERE session_id IN {sessions:Array(UUID)} AND heart_rate_bpm IS NOT NULL
    WINDOW before AS (PARTITION BY session_id, member_id ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        whole AS (PARTITION BY session_id, member_id)
) WHERE nth > 1 AND gap_s > {gap:UInt32}
GROUP BY session_id, member_id ORDER BY missing_s DESC, session, member_id
"""
KEYS = {
    "v_telemetry_1s": "member_id, session_id, ts",
    "v_telemetry_raw": "member_id, session_id, metric, ts, device, seq",
    "v_member_minutes": "session_id, member_id, minute",
    "v_member_summaries": "session_id, member_id",
    "v_class_summaries": "session_id",
    "v_alerts": "session_id, alert_id",
    "v_app_events": "session_id, event_id",
}
"""What may stand in a view once only."""


@dataclass(frozen=True)
class Gaps:
    """A member's heart rate that was not there in a session, between its first and its last value."""

    session: str
    member_id: int
    missing_s: int
    gaps: int
    longest_s: int
    whole_s: int

    @property
    def share(self) -> float:
        """Of the time between first and last value."""
        return self.missing_s / self.whole_s if self.whole_s else 0.0


@dataclass(frozen=True)
class Doubled:
    """Rows of a view beyond one for every key."""

    view: str
    rows: int


def gaps_in(reader: Reader, records: Sequence[SessionRecord]) -> list[Gaps]:
    """Everyone with a gap in these sessions, the longest absence first."""
    if not records:
        return []
    asked = {"sessions": [record.session_id for record in records], "gap": GAP_S}
    return [Gaps(**row) for row in reader.query(GAPS_SQL, asked).to_pylist()]


def doubles_in(reader: Reader, records: Sequence[SessionRecord]) -> list[Doubled]:
    """Views that tell something of these sessions twice."""
    if not records:
        return []
    asked = {"sessions": [record.session_id for record in records]}
    found = []
    for view, key in KEYS.items():
        sql = f"SELECT count() - uniqExact({key}) AS more FROM {view} WHERE session_id IN {{sessions:Array(UUID)}}"  # noqa: S608 - names of ours
        more = int(reader.query(sql, asked).to_pylist()[0]["more"])
        if more:
            found.append(Doubled(view, more))
    return found
