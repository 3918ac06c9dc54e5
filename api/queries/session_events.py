"""What did people do in a session?"""

from infra.telemetry.logs import logger
from infra.warehouse_reader import WarehouseReader
from schemas.events import AppEvent, app_event_decoder
from schemas.unreadable import UNREADABLE

log = logger(__name__)
SQL = """SELECT event_id, body
FROM v_app_events
WHERE session_id = {session_id:UUID}
ORDER BY ts, event_id
LIMIT {limit:UInt32}"""


def session_events(warehouse: WarehouseReader, *, session_id: str, limit: int = 5_000) -> list[AppEvent]:
    """Events by time."""
    events: list[AppEvent] = []
    for row in warehouse.rows(SQL, {"session_id": session_id, "limit": limit}):
        try:
            events.append(app_event_decoder.decode(row["body"]))
        except UNREADABLE as fault:
            log.error("stored_event_unreadable", event_id=row["event_id"], fault=str(fault))
    return events
