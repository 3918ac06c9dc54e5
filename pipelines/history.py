"""A session's stored history as events again: what summaries are recomputed from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from pipelines.telemetry_rows import METRICS_OF_TYPE
from schemas.events import AppEvent, Reading, app_event_decoder

ReadingPlace = tuple[int, int, str]
"""Member, event time, device: the key by which a stored reading is found again."""
TYPE_OF_METRIC = {metric: kind for kind, metrics in METRICS_OF_TYPE.items() for metric in metrics} | {"rr_ms": "heart_rate"}
WHOLE = {"heart_rate_bpm", "power_watts", "step_count", "rr_ms"}

RAW_SQL = """
SELECT member_id, toUnixTimestamp64Milli(ts) AS ts_ms, toString(device) AS device_id, toString(metric) AS metric_name, value,
    toString(source) AS source_id, toUnixTimestamp64Milli(received_at) AS received_ms
FROM v_telemetry_raw WHERE session_id = {session:UUID} ORDER BY ts_ms, member_id, device_id, metric_name, seq
"""
APP_SQL = "SELECT body FROM v_app_events WHERE session_id = {session:UUID} ORDER BY ts, event_id"
ALERTS_SQL = "SELECT member_id, count() AS alerts FROM v_alerts WHERE session_id = {session:UUID} GROUP BY member_id"
SUMMARY_SQL = "SELECT revision, late_events, summary FROM v_class_summaries WHERE session_id = {session:UUID}"


class Reader(Protocol):
    """What this module needs of `infra.warehouse_columns.WarehouseColumns`."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table: ...


@dataclass(frozen=True)
class StoredSummary:
    """The newest revision of a class summary."""

    revision: int
    late_events: int
    summary: str


def stored_readings(reader: Reader, session_id: str) -> list[Reading]:
    """All readings of a session by event time. Of several with the same member, time, device and metric only one is stored."""
    return list(_readings(session_id, reader.query(RAW_SQL, {"session": session_id})))


def stored_app_events(reader: Reader, session_id: str) -> list[AppEvent]:
    """All app events of a session by event time."""
    bodies = reader.query(APP_SQL, {"session": session_id}).column("body").to_pylist()
    return [app_event_decoder.decode(str(body)) for body in bodies]


def stored_alerts(reader: Reader, session_id: str) -> dict[int, int]:
    """How many alerts were raised about every member; 0 is the class."""
    rows = reader.query(ALERTS_SQL, {"session": session_id}).to_pylist()
    return {int(row["member_id"]): int(row["alerts"]) for row in rows}


def stored_summary(reader: Reader, session_id: str) -> StoredSummary | None:
    """The summary that readers see now."""
    rows = reader.query(SUMMARY_SQL, {"session": session_id}).to_pylist()
    return StoredSummary(**rows[0]) if rows else None


def place_of(reading: Reading) -> ReadingPlace:
    """Where a reading is found in `telemetry_raw`."""
    return reading.member_id, reading.event_time_ms, reading.device_id


def _readings(session_id: str, rows: pa.Table) -> Iterator[Reading]:
    """Rows with the same member, time, device and type are one event; the first row of each gives the order."""
    events: dict[tuple[Any, ...], dict[str, Any]] = {}
    columns = [column.to_pylist() for column in rows.itercolumns()]
    for member_id, ts_ms, device_id, metric, value, source, received_ms in zip(*columns, strict=True):
        key = (ts_ms, member_id, device_id, TYPE_OF_METRIC[metric])
        event = events.get(key)
        if event is None:
            event = events[key] = {
                "type": key[3],
                "event_id": f"stored:{ts_ms}:{member_id}",
                "member_id": member_id,
                "session_id": session_id,
                "device_id": device_id,
                "source": source,
                "event_time_ms": ts_ms,
                "received_time_ms": received_ms,
            }
        number = int(value) if metric in WHOLE else value
        if metric == "rr_ms":
            event["rr_ms"] = (*event.get("rr_ms", ()), number)
        else:
            event[metric] = number
    return (msgspec.convert(event, Reading) for event in events.values())
