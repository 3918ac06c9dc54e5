"""Which alerts did a session raise, and what became of each?"""

from typing import Any

from api.directory.columns import iso
from infra.warehouse_reader import WarehouseReader
from schemas.alerts import Alert, AlertBody

SQL = """SELECT alert_id, class_id, member_id, member_name, rule, severity, state, message, suggested_action,
    metric, current, threshold,
    toUnixTimestamp64Milli(raised_at) AS raised_at_ms, toUnixTimestamp64Milli(updated_at) AS updated_at_ms,
    toUnixTimestamp64Milli(cleared_at) AS cleared_at_ms, toUnixTimestamp64Milli(acknowledged_at) AS acknowledged_at_ms,
    acknowledged_by, repeated, version
FROM v_alerts
WHERE session_id = {session_id:UUID}
ORDER BY raised_at DESC, alert_id
LIMIT {limit:UInt32}"""


def session_alerts(warehouse: WarehouseReader, *, session_id: str, limit: int = 2_000) -> list[Alert]:
    """Present states, newest first."""
    return [_alert(session_id, row) for row in warehouse.rows(SQL, {"session_id": session_id, "limit": limit})]


def _alert(session_id: str, row: dict[str, Any]) -> Alert:
    return Alert(
        alert_id=row["alert_id"],
        version=row["version"],
        session_id=session_id,
        class_id=row["class_id"] or None,
        member_id=row["member_id"] or None,
        member_name=row["member_name"],
        rule=row["rule"],
        state=row["state"],
        timestamp=iso(row["raised_at_ms"]),
        raised_at_ms=row["raised_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        cleared_at_ms=row["cleared_at_ms"],
        acknowledged_at_ms=row["acknowledged_at_ms"],
        acknowledged_by=row["acknowledged_by"] or None,
        repeated=row["repeated"],
        alert=AlertBody(
            severity=row["severity"],
            message=row["message"],
            metric=row["metric"],
            current=row["current"],
            threshold=row["threshold"],
            suggested_action=row["suggested_action"],
        ),
    )
