"""Events as rows: device events in columns for `telemetry_raw` and `telemetry_1s`, app events for `app_events`."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.arrow_schemas import SCHEMAS, TIME_MS, TIME_S, rows_of, times
from schemas.events import AppEvent, Reading
from schemas.tables import APP_EVENTS, TELEMETRY_1S, TELEMETRY_RAW

METRICS_OF_TYPE: dict[str, tuple[str, ...]] = {
    "heart_rate": ("heart_rate_bpm",),
    "power": ("power_watts",),
    "cadence": ("cadence_rpm",),
    "speed": ("speed_mps", "distance_m"),
    "position": ("latitude_deg", "longitude_deg", "altitude_m"),
    "steps": ("step_count",),
    "energy": ("energy_kcal",),
    "pose": (),
}
"""Which numbers an event of a type carries. RR intervals are stored besides, one row each; landmarks are no telemetry."""
in_time = attrgetter("event_time_ms", "event_id")


ByType = Mapping[str, list[Reading]]
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


def by_type(readings: Sequence[Reading]) -> ByType:
    """Readings apart by what they measure: only so are their columns full."""
    found: dict[str, list[Reading]] = {}
    for kind in {reading.type for reading in readings}:
        found[kind] = [reading for reading in readings if reading.type == kind]
    return found


def raw_rows(readings: ByType) -> pa.Table:
    """One row a value, as it came."""
    tables = []
    for kind, same in sorted(readings.items()):
        shared = _shared_columns(same)
        tables += [_metric_rows(shared, same, metric) for metric in METRICS_OF_TYPE[kind]]
        counts = [len(reading.rr_ms) for reading in same] if kind == "heart_rate" else []
        if sum(counts):
            tables.append(_rr_rows(shared, same, np.array(counts)))
    return pa.concat_tables(tables) if tables else SCHEMAS[TELEMETRY_RAW].empty_table()


def second_rows(readings: ByType, class_ids: Mapping[str, int]) -> pa.Table:
    """One row a member-second and type; within a second the greatest (event time, event id) wins.

    Only this batch is looked at: of several batches the table keeps the value of the last, in disorder not always the newest.
    """
    schema = SCHEMAS[TELEMETRY_1S]
    tables = []
    for kind, same in sorted(readings.items()):
        metrics = [metric for metric in METRICS_OF_TYPE[kind] if metric in schema.names]
        if not metrics:
            continue
        in_order = sorted(same, key=in_time)
        kept = list({(r.member_id, r.session_id, r.event_time_ms // 1_000): r for r in in_order}.values())
        columns = {
            "member_id": pa.array([r.member_id for r in kept], pa.uint64()),
            "session_id": pa.array([r.session_id for r in kept], pa.string()),
            "class_id": pa.array([class_ids.get(r.session_id, 0) for r in kept], pa.uint64()),
            "ts": times([r.event_time_ms // 1_000 for r in kept], TIME_S),
            "device": pa.array([r.device_id for r in kept], pa.string()),
            "source": pa.array([r.source for r in kept], pa.string()),
        } | {metric: pa.array([getattr(r, metric) for r in kept], schema.field(metric).type) for metric in metrics}
        empty = {name: pa.nulls(len(kept), schema.field(name).type) for name in schema.names if name not in columns}
        tables.append(pa.table(columns | empty).select(schema.names))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def app_event_rows(events: Sequence[AppEvent], bodies: Sequence[bytes]) -> pa.Table:
    """One row an event, its whole body kept."""
    rows = [
        {
            "event_id": event.event_id,
            "session_id": event.session_id,
            "class_id": event.class_id or 0,
            "member_id": event.member_id or 0,
            "actor_id": event.actor_id or 0,
            "type": event.__struct_config__.tag,
            "ts": event.event_time_ms,
            "received_at": event.received_time_ms or event.event_time_ms,
            "body": body.decode(),
        }
        for event, body in zip(events, bodies, strict=True)
    ]
    return rows_of(APP_EVENTS, rows)


def _shared_columns(readings: list[Reading]) -> dict[str, Any]:
    return {
        "member_id": pa.array([r.member_id for r in readings], pa.uint64()),
        "session_id": pa.array([r.session_id for r in readings], pa.string()),
        "ts": times([r.event_time_ms for r in readings], TIME_MS),
        "device": pa.array([r.device_id for r in readings], pa.string()),
        "source": pa.array([r.source for r in readings], pa.string()),
        "received_at": times([r.received_time_ms for r in readings], TIME_MS),
    }


def _metric_rows(shared: dict[str, Any], readings: list[Reading], metric: str) -> pa.Table:
    values = pa.array([getattr(reading, metric) for reading in readings], pa.float64())
    seq = pa.array(np.zeros(len(readings), np.uint8))
    rows = _raw_table(shared, metric, seq, values)
    return rows.filter(values.is_valid()) if values.null_count else rows


def _rr_rows(shared: dict[str, Any], readings: list[Reading], counts: Counts) -> pa.Table:
    take = pa.array(np.repeat(np.arange(len(readings)), counts))
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    seq = pa.array((np.arange(counts.sum()) - starts).astype(np.uint8))
    values = pa.array([float(interval) for reading in readings for interval in reading.rr_ms], pa.float64())
    return _raw_table({name: column.take(take) for name, column in shared.items()}, "rr_ms", seq, values)


def _raw_table(shared: dict[str, Any], metric: str, seq: Any, values: Any) -> pa.Table:
    columns = shared | {"metric": pa.repeat(metric, len(values)), "seq": seq, "value": values}
    return pa.table(columns).select(SCHEMAS[TELEMETRY_RAW].names)
