"""What came out of a class, as a whole and for each member?"""

from typing import Any

import orjson

from infra.warehouse_reader import WarehouseReader

CLASS_SQL = """SELECT class_id, class_name, class_type, trainer_id,
    toUnixTimestamp64Milli(started_at) AS started_at_ms, toUnixTimestamp64Milli(ended_at) AS ended_at_ms,
    expected, attended, average_intensity, alerts, summary, late_events, revision, computed_from
FROM v_class_summaries
WHERE session_id = {session_id:UUID}"""

MEMBERS_SQL = """SELECT member_id, member_name, attended, heart_rate_avg_bpm, heart_rate_max_bpm, zone_s,
    intensity, effort_points, trimp, energy_kcal,
    power_avg_watts, power_max_watts, normalized_power_watts, cadence_avg_rpm, speed_avg_mps, distance_m, rmssd_ms,
    seconds_seen, toUnixTimestamp64Milli(first_value_at) AS first_value_at_ms,
    toUnixTimestamp64Milli(last_value_at) AS last_value_at_ms, alerts
FROM v_member_summaries
WHERE session_id = {session_id:UUID}
ORDER BY member_name, member_id"""

CORRECTIONS_SQL = """SELECT revision, late_events, reason
FROM v_summary_corrections
WHERE session_id = {session_id:UUID}
ORDER BY revision"""

Json = dict[str, Any]


def class_summary(warehouse: WarehouseReader, *, session_id: str) -> Json | None:
    """The newest revision with one row a member and why it was corrected, or none while it has not been written."""
    found = warehouse.rows(CLASS_SQL, {"session_id": session_id})
    if not found:
        return None
    row = found[0]
    members = warehouse.rows(MEMBERS_SQL, {"session_id": session_id})
    corrections = warehouse.rows(CORRECTIONS_SQL, {"session_id": session_id}) if row["revision"] > 1 else []
    told: Json = orjson.loads(row.pop("summary") or "{}")
    own = {"session_id": session_id, "class_id": row["class_id"] or None, "members": members, "corrections": corrections}
    return told | row | own
