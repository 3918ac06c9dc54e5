"""Is there such an alert in this session?"""

from infra.warehouse_reader import WarehouseReader

SQL = """SELECT 1 AS known
FROM v_alerts
WHERE session_id = {session_id:UUID} AND alert_id = {alert_id:String}
LIMIT 1"""


def alert_known(warehouse: WarehouseReader, *, session_id: str, alert_id: str) -> bool:
    """Whether the warehouse holds it."""
    return bool(warehouse.rows(SQL, {"session_id": session_id, "alert_id": alert_id}))
