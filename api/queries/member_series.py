"""How did one metric of a member run through a session?"""

from typing import Any

from infra.warehouse_reader import WarehouseReader

UNITS = {
    "heart_rate_bpm": "bpm",
    "power_watts": "W",
    "cadence_rpm": "rpm",
    "speed_mps": "m/s",
    "distance_m": "m",
    "altitude_m": "m",
}
POINTS_MAX = 50_000

Point = tuple[int, float]


def sql(metric: str) -> str:
    """Mean of the metric over each step that has a value. `metric` is one of UNITS."""
    if metric not in UNITS:
        raise KeyError(metric)
    return f"""SELECT intDiv(toUnixTimestamp(ts), {{step_s:UInt32}}) * {{step_s:UInt32}} * 1000 AS at_ms, avg({metric}) AS value
FROM v_telemetry_1s
WHERE member_id = {{member_id:UInt64}} AND session_id = {{session_id:UUID}} AND {metric} IS NOT NULL
GROUP BY at_ms
ORDER BY at_ms
LIMIT {POINTS_MAX}"""  # noqa: S608 # the column's name is one of the registry above


def member_series(warehouse: WarehouseReader, *, member_id: int, session_id: str, metric: str, step_s: int) -> list[Point]:
    """Points by time."""
    parameters: dict[str, Any] = {"member_id": member_id, "session_id": session_id, "step_s": step_s}
    return [(row["at_ms"], round(row["value"], 3)) for row in warehouse.rows(sql(metric), parameters)]
