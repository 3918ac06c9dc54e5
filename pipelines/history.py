"""A session's stored history as events again: what summaries are recomputed from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import pyarrow as pa

from pipelines.telemetry_rows import METRICS_OF_TYPE
from schemas.events import AppEvent, Reading, app_event_decoder

ReadingPlace = tuple[int, int, str, int]
"""Member, event time, device, time of receipt: by which a stored reading is found again, and not an older copy of it."""
TYPE_OF_METRIC = {metric: kind for kind, metrics in METRICS_OF_TYPE.items() for metric in metrics} | {"rr_ms": "heart_rate"}
ROWS_AT_ONCE = 20_000
WHOLE = {"heart_rate_bpm", "power_watts", "step_count", "rr_ms"}

RAW_SQL = """
SELECT member_id, toUnixTimestamp64Milli(ts) AS ts_ms, toString(device) AS device_id, toString(metric) AS metric_name, value,
    toString(source) AS source_id, toUnixTimestamp64Milli(received_at) AS received_ms
FROM v_telemetry_raw WHERE session_id = {session:UUID} ORDER BY ts_ms, member_id, device_id, metric_name, seq
"""
PLACE_SQL = """
SELECT count() AS found FROM v_telemetry_raw WHERE session_id = {session:UUID} AND member_id = {member:UInt64}
    AND ts = fromUnixTimestamp64Milli({ts_ms:Int64}, 'UTC') AND device = {device:String}
    AND received_at >= fromUnixTimestamp64Milli({received_ms:Int64}, 'UTC')
"""
APP_SQL = "SELECT body FROM v_app_events WHERE session_id = {session:UUID} ORDER BY ts, event_id"
ALERTS_SQL = "SELECT member_id, count() AS alerts FROM v_alerts WHERE session_id = {session:UUID} GROUP BY member_id"
SUMMARY_SQL = "SELECT revision, late_events, summary FROM v_class_summaries WHERE session_id = {session:UUID}"
MEMBERS_SQL = """
SELECT member_id, attended, heart_rate_avg_bpm, heart_rate_max_bpm, zone_s, intensity, effort_points, trimp, energy_kcal,
    power_avg_watts, power_max_watts, normalized_power_watts, cadence_avg_rpm, speed_avg_mps, distance_m, rmssd_ms, seconds_seen
FROM v_member_summaries WHERE session_id = {session:UUID} ORDER BY member_id
"""


class Reader(Protocol):
    """What this module needs of `infra.warehouse_columns.WarehouseColumns`."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table: ...


@dataclass(frozen=True)
class StoredSummary:
    """The newest revision of a class summary."""

    revision: int
    late_events: int
    summary: str


def is_stored(reader: Reader, session_id: str, place: ReadingPlace) -> bool:
    """Whether this reading has reached the warehouse."""
    member_id, ts_ms, device_id, received_ms = place
    asked = {"session": session_id, "member": member_id, "ts_ms": ts_ms, "device": device_id, "received_ms": received_ms}
    return bool(reader.query(PLACE_SQL, asked).to_pylist()[0]["found"])


def stored_readings(reader: Reader, session_id: str) -> Iterator[Reading]:
    """All readings of a session by event time. Of several with the same member, time, device and metric only one is stored."""
    return _readings(session_id, reader.query(RAW_SQL, {"session": session_id}))


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


def stored_members(reader: Reader, session_id: str) -> list[dict[str, Any]]:
    """What a correction can be about: the figures of every member's row that readers see now, by member."""
    return reader.query(MEMBERS_SQL, {"session": session_id}).to_pylist()


def place_of(reading: Reading) -> ReadingPlace:
    """Where a reading is found in `telemetry_raw`."""
    return reading.member_id, reading.event_time_ms, reading.device_id, reading.received_time_ms


def _readings(session_id: str, rows: pa.Table) -> Iterator[Reading]:
    """Rows with the same time, member and device stand together; those of one type among them are one event."""
    for (ts_ms, member_id, device_id), same in groupby(_tuples(rows), key=itemgetter(1, 0, 2)):
        events: dict[str, dict[str, Any]] = {}
        for *_place, metric, value, source, received_ms in same:
            kind = TYPE_OF_METRIC[metric]
            event = events.setdefault(kind, {"type": kind, "source": source, "received_time_ms": received_ms})
            number = int(value) if metric in WHOLE else value
            event[metric] = (*event.get(metric, ()), number) if metric == "rr_ms" else number
        for event in events.values():
            yield Reading(
                event_id=f"stored:{ts_ms}:{member_id}",
                member_id=member_id,
                session_id=session_id,
                device_id=device_id,
                event_time_ms=ts_ms,
                **event,
            )


def _tuples(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Row by row, without holding all of them as Python objects at once."""
    for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
