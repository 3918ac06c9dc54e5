"""How hard was a class, minute by minute?"""

from infra.warehouse_reader import WarehouseReader

SQL = """SELECT (toUnixTimestamp(minute) + 60) * 1000 AS at_ms, avg(intensity) AS value
FROM v_member_minutes
WHERE session_id = {session_id:UUID} AND intensity IS NOT NULL
GROUP BY minute
HAVING count() >= {members_min:UInt32}
ORDER BY minute"""

Point = tuple[int, float]


def session_intensity(warehouse: WarehouseReader, *, session_id: str, members_min: int = 1) -> list[Point]:
    """Mean intensity (0 to 10) of the members seen in a minute, at its end, as the live figure says it of the last 60 s.

    Minutes in which fewer than `members_min` were seen are left out.
    """
    rows = warehouse.rows(SQL, {"session_id": session_id, "members_min": members_min})
    return [(row["at_ms"], round(row["value"], 2)) for row in rows]
