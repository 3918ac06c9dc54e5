"""Class summaries that are missing, or that late data have made wrong, out of what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pyarrow as pa

from pipelines.corrections import Wanted
from pipelines.corrector import correct
from pipelines.history import Reader, stored_alerts, stored_app_events, stored_members, stored_readings, stored_summary
from pipelines.messages import Rows
from pipelines.result_rows import summary_rows
from pipelines.steps.recompute import summarise
from schemas.directory import SessionRecord
from schemas.events import SessionEnded
from schemas.tables import Table

PATIENCE_MS = 5 * 60_000
"""So long after its end a class is the business of flow `live` alone."""
HISTORY_MS = 29 * 24 * 3_600_000
"""`telemetry_raw` keeps 30 days: an older summary must stand as it is, because what it rests on is leaving."""
LATE_MS = 60_000
Outcome = Literal["complete", "written", "corrected", "waiting", "too old", "other people"]

STATE_SQL = """
SELECT toString(session_id) AS session FROM v_class_summaries WHERE session_id IN {sessions:Array(UUID)}
"""
LATE_SQL = """
SELECT count() AS late FROM v_telemetry_raw WHERE session_id = {session:UUID}
    AND received_at > fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC')
"""
SINCE_SQL = """
SELECT DISTINCT toString(session_id) AS session FROM v_telemetry_raw WHERE session_id IN {sessions:Array(UUID)}
    AND received_at > fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
"""


class Writer(Protocol):
    """What this module needs of `infra.warehouse_columns.WarehouseColumns`."""

    def insert(self, table: Table, rows: pa.Table) -> None: ...


@dataclass(frozen=True)
class Repaired:
    """What was found about one session, and what was done."""

    session_id: str
    class_name: str
    outcome: Outcome


def without_summary(reader: Reader, records: Sequence[SessionRecord]) -> list[SessionRecord]:
    """Of these sessions, those that have none."""
    if not records:
        return []
    asked = {"sessions": [record.session_id for record in records]}
    known = set(reader.query(STATE_SQL, asked).column("session").to_pylist())
    return [record for record in records if record.session_id not in known]


def settled(record: SessionRecord, now_ms: int) -> bool:
    """Whether a session ended so long ago that its summary must be there."""
    return record.ended_at_ms is not None and record.ended_at_ms + PATIENCE_MS <= now_ms


def kept_history(record: SessionRecord, now_ms: int) -> bool:
    """Whether all of its telemetry is still stored."""
    return record.started_at_ms + HISTORY_MS > now_ms


def repair(reader: Reader, writer: Writer, record: SessionRecord, now_ms: int, *, every: bool = False) -> Repaired:
    """Write the summary of an ended session if it has none; correct it if readings came after its end.

    `every`: correct it whatever the reason. Repeated, it finds its own work and does nothing. Raises Unavailable.
    """
    return Repaired(record.session_id, record.class_name, _repair(reader, writer, record, now_ms, every=every))


def _repair(reader: Reader, writer: Writer, record: SessionRecord, now_ms: int, *, every: bool) -> Outcome:
    if not settled(record, now_ms):
        return "waiting"
    if stored_summary(reader, record.session_id) is None:
        return _write(reader, writer, record, now_ms)
    if not (every or has_late(reader, record)):
        return "complete"
    if not kept_history(record, now_ms):
        return "too old"
    if not same_people(reader, record):
        return "other people"
    corrected = correct(reader, Wanted(record, late_events=0, newest_reading=None, newest_app_event=None))
    return "corrected" if _insert(writer, corrected.rows) else "complete"


def _write(reader: Reader, writer: Writer, record: SessionRecord, now_ms: int) -> Outcome:
    if not kept_history(record, now_ms):
        return "too old"
    app_events = stored_app_events(reader, record.session_id)
    if not any(isinstance(event, SessionEnded) for event in app_events):
        return "waiting"  # flow `store` is behind: what is stored is not all
    summary = summarise(
        record,
        stored_readings(reader, record.session_id),
        app_events,
        revision=1,
        late_events=0,
        alerts_by_member=stored_alerts(reader, record.session_id),
    )
    _insert(writer, summary_rows(summary))
    return "written"


def has_late(reader: Reader, record: SessionRecord) -> bool:
    """Whether readings came so long after the end that the first summary cannot hold them."""
    asked = {"session": record.session_id, "after_ms": (record.ended_at_ms or 0) + LATE_MS}
    return bool(reader.query(LATE_SQL, asked).to_pylist()[0]["late"])


def late_sessions(reader: Reader, records: Sequence[SessionRecord], since_ms: int) -> list[SessionRecord]:
    """Of these ended sessions, those of which readings came since then. Raises Unavailable."""
    if not records:
        return []
    asked = {"sessions": [record.session_id for record in records], "since_ms": since_ms}
    known = set(reader.query(SINCE_SQL, asked).column("session").to_pylist())
    return [record for record in records if record.session_id in known]


def same_people(reader: Reader, record: SessionRecord) -> bool:
    """Whether everyone in the summary is still on the record; whoever was taken off the roster has left no body there."""
    present = {participant.member_id for participant in record.participants}
    return all(row["member_id"] in present for row in stored_members(reader, record.session_id))


def _insert(writer: Writer, made: Sequence[Rows]) -> bool:
    for rows in made:
        writer.insert(rows.table, rows.rows)
    return bool(made)


def counted(done: Sequence[Repaired]) -> dict[str, int]:
    """How many sessions had each outcome."""
    outcomes = [one.outcome for one in done]
    return {str(outcome): outcomes.count(outcome) for outcome in sorted(set(outcomes))}
