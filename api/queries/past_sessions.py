"""How were these sessions attended, and how hard were they?"""

from collections.abc import Sequence
from typing import Any

from infra.warehouse_reader import WarehouseReader

SQL = """SELECT toString(session_id) AS id, expected, attended, average_intensity, alerts
FROM v_class_summaries
WHERE session_id IN {session_ids:Array(UUID)}"""


def past_sessions(warehouse: WarehouseReader, *, session_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Figures by session id; a session without a summary is missing."""
    if not session_ids:
        return {}
    return {row.pop("id"): row for row in warehouse.rows(SQL, {"session_ids": list(session_ids)})}
