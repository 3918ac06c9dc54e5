"""How hard was a class, minute by minute?"""

from infra.warehouse_reader import WarehouseReader

SQL = """SELECT toUnixTimestamp(minute) * 1000 AS at_ms, avg(intensity) AS value
FROM v_member_minutes
WHERE session_id = {session_id:UUID} AND intensity IS NOT NULL
GROUP BY minute
ORDER BY minute"""

Point = tuple[int, float]


def session_intensity(warehouse: WarehouseReader, *, session_id: str) -> list[Point]:
    """Mean intensity (0 to 10) of the members seen in each minute."""
    return [(row["at_ms"], round(row["value"], 2)) for row in warehouse.rows(SQL, {"session_id": session_id})]
