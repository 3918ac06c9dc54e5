"""The Arrow form of every table's columns, as `schemas/migrations` has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas import tables
from schemas.tables import Table

TIME_MS = pa.timestamp("ms", "UTC")
TIME_S = pa.timestamp("s", "UTC")

Columns = dict[str, pa.DataType]

_COLUMNS: dict[Table, Columns] = {
    tables.TELEMETRY_RAW: {
        "member_id": pa.uint64(),
        "session_id": pa.string(),
        "metric": pa.string(),
        "ts": TIME_MS,
        "device": pa.string(),
        "seq": pa.uint8(),
        "value": pa.float64(),
        "source": pa.string(),
        "received_at": TIME_MS,
    },
    tables.TELEMETRY_1S: {
        "member_id": pa.uint64(),
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "ts": TIME_S,
        "heart_rate_bpm": pa.uint8(),
        "power_watts": pa.uint16(),
        "cadence_rpm": pa.float32(),
        "speed_mps": pa.float32(),
        "distance_m": pa.float32(),
        "altitude_m": pa.float32(),
        "device": pa.string(),
        "source": pa.string(),
    },
    tables.APP_EVENTS: {
        "event_id": pa.string(),
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "member_id": pa.uint64(),
        "actor_id": pa.uint64(),
        "type": pa.string(),
        "ts": TIME_MS,
        "received_at": TIME_MS,
        "body": pa.string(),
    },
    tables.MEMBER_MINUTES: {
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "member_id": pa.uint64(),
        "minute": TIME_S,
        "heart_rate_avg_bpm": pa.float32(),
        "heart_rate_max_bpm": pa.uint8(),
        "power_avg_watts": pa.float32(),
        "cadence_avg_rpm": pa.float32(),
        "speed_avg_mps": pa.float32(),
        "intensity": pa.float32(),
        "zone_s": pa.list_(pa.float32()),
        "effort_points": pa.float32(),
        "trimp": pa.float32(),
        "seconds_seen": pa.uint8(),
        "version": pa.uint64(),
    },
    tables.ALERTS: {
        "alert_id": pa.string(),
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "member_id": pa.uint64(),
        "member_name": pa.string(),
        "rule": pa.string(),
        "severity": pa.string(),
        "state": pa.string(),
        "message": pa.string(),
        "suggested_action": pa.string(),
        "metric": pa.string(),
        "current": pa.float64(),
        "threshold": pa.float64(),
        "raised_at": TIME_MS,
        "updated_at": TIME_MS,
        "cleared_at": TIME_MS,
        "acknowledged_at": TIME_MS,
        "acknowledged_by": pa.string(),
        "repeated": pa.uint16(),
        "version": pa.uint64(),
    },
    tables.MEMBER_SUMMARIES: {
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "member_id": pa.uint64(),
        "member_name": pa.string(),
        "attended": pa.bool_(),
        "heart_rate_avg_bpm": pa.float64(),
        "heart_rate_max_bpm": pa.uint8(),
        "zone_s": pa.list_(pa.float64()),
        "intensity": pa.float64(),
        "effort_points": pa.float64(),
        "trimp": pa.float64(),
        "energy_kcal": pa.float64(),
        "power_avg_watts": pa.float64(),
        "power_max_watts": pa.uint16(),
        "normalized_power_watts": pa.float64(),
        "cadence_avg_rpm": pa.float64(),
        "speed_avg_mps": pa.float64(),
        "distance_m": pa.float64(),
        "rmssd_ms": pa.float64(),
        "seconds_seen": pa.uint32(),
        "first_value_at": TIME_MS,
        "last_value_at": TIME_MS,
        "alerts": pa.uint32(),
        "revision": pa.uint32(),
        "computed_from": pa.string(),
    },
    tables.CLASS_SUMMARIES: {
        "session_id": pa.string(),
        "class_id": pa.uint64(),
        "class_name": pa.string(),
        "class_type": pa.string(),
        "trainer_id": pa.uint64(),
        "started_at": TIME_MS,
        "ended_at": TIME_MS,
        "expected": pa.uint32(),
        "attended": pa.uint32(),
        "average_intensity": pa.float64(),
        "intensity_low": pa.uint32(),
        "intensity_medium": pa.uint32(),
        "intensity_high": pa.uint32(),
        "alerts": pa.uint32(),
        "summary": pa.string(),
        "late_events": pa.uint64(),
        "revision": pa.uint32(),
        "computed_from": pa.string(),
    },
    tables.SUMMARY_CORRECTIONS: {
        "session_id": pa.string(),
        "revision": pa.uint32(),
        "late_events": pa.uint64(),
        "reason": pa.string(),
        "before": pa.string(),
        "after": pa.string(),
    },
}

SCHEMAS: dict[Table, pa.Schema] = {table: pa.schema(columns) for table, columns in _COLUMNS.items()}


def times(values: Sequence[int | None], unit: pa.DataType) -> Any:
    """Times from whole numbers: the same 64 bits. The direct way asks pandas, where it is installed, about every value."""
    return pa.array(values, pa.int64()).view(unit)


def rows_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows by column name in the table's own columns."""
    columns = []
    for name, kind in _COLUMNS[table].items():
        values = [row[name] for row in rows]
        columns.append(times(values, kind) if pa.types.is_timestamp(kind) else pa.array(values, kind))
    return pa.table(columns, schema=SCHEMAS[table])


def make_ready() -> None:
    """Convert something once. Arrow's first conversion of Python's values imports pandas where it is installed: a third of a
    second of processor time, which the first alert of a class would wait for."""
    pa.array([None], pa.string())
