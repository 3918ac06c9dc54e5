"""What an undisturbed run answers: the pure steps of the flows, fed second by second with what was sent.

Neither Kafka nor the warehouse nor any process takes part. A run without kills must agree with it like one with a hundred.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from msgspec.structs import replace

from pipelines.messages import Rows
from pipelines.result_rows import minute_rows, summary_rows
from pipelines.steps.shard import LiveShard
from pipelines.telemetry_rows import by_type, raw_rows, second_rows
from schemas.alerts import Alert
from schemas.directory import SessionRecord
from schemas.events import AppEvent, Reading, SessionEnded
from schemas.live import LiveUpdate
from schemas.tables import MEMBER_MINUTES, TELEMETRY_1S, TELEMETRY_RAW, Table
from tests.crash.measuring import Body, Tick, readings_of

MEASURES = ("heart_rate_bpm", "power_watts", "cadence_rpm", "speed_mps", "distance_m", "altitude_m")


@dataclass
class Expected:
    """The answers of one session."""

    shard: LiveShard
    record: SessionRecord
    rows: dict[Table, pa.Table]
    alerts: dict[str, Alert]
    live: LiveUpdate
    readings: int

    def summary(self, revision: int, alerts_by_member: Mapping[int, int]) -> list[Rows]:
        """Rows of the summary; how many alerts there were is told by those that were raised."""
        session_id = self.record.session_id
        return summary_rows(
            self.shard.final_summary(
                session_id, revision=revision, late_events=0, computed_from="live", alerts=alerts_by_member
            )
        )


@dataclass
class Undisturbed:
    """One session, fed in the order in which things happened."""

    records: Sequence[SessionRecord]
    """Of the directory, as they changed; the last one has ended."""
    app_events: Sequence[AppEvent]
    ticks: Sequence[Tick]
    bodies: Mapping[int, Body]
    _alerts: dict[str, Alert] = field(default_factory=dict)

    def answers(self) -> Expected:
        """Run it."""
        shard, last = LiveShard.restore(None), self.records[-1]
        for record in self.records:
            shard.put_session(replace(record, state="active", ended_at_ms=None))
        waiting = [event for event in self.app_events if not isinstance(event, SessionEnded)]
        readings: list[Reading] = []
        minutes: list[Rows] = []
        for tick in self.ticks or _silence(last):
            until_ms = tick.second * 1_000
            shard.app_events([event for event in waiting if event.event_time_ms < until_ms])
            waiting = [event for event in waiting if event.event_time_ms >= until_ms]
            made = readings_of(tick, self.bodies)
            readings += made
            assert shard.readings(made) == []
            shard.tick(until_ms + 1_000, True)
            self._hear(shard.take_alerts())
            minutes += minute_rows(shard.take_minutes())
        shard.app_events(waiting)
        shard.put_session(last)
        shard.tick((last.ended_at_ms or 0) + 1_000, True)
        self._hear(shard.take_alerts())
        live = shard.take_live((last.ended_at_ms or 0) + 1_000)[-1]
        assert live.kind == "key"
        shard.take_summaries()
        minutes += minute_rows(shard.take_minutes())
        rows = self._rows(readings) | {MEMBER_MINUTES: _newest(minutes)}
        return Expected(shard, last, rows, self._alerts, live, len(readings))

    def _hear(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self._alerts[alert.alert_id] = alert

    def _rows(self, readings: list[Reading]) -> dict[Table, pa.Table]:
        apart = by_type(readings)
        record = self.records[-1]
        seconds = second_rows(apart, {record.session_id: record.class_id or 0})
        places = ["session_id", "class_id", "member_id", "ts"]
        united = seconds.group_by(places).aggregate([(measure, "max") for measure in MEASURES])
        return {TELEMETRY_RAW: raw_rows(apart), TELEMETRY_1S: united.rename_columns([*places, *MEASURES])}


def _silence(record: SessionRecord) -> list[Tick]:
    """The seconds of a class in which nobody sends: time goes on all the same, and attendance is looked at."""
    began_s, ended_s = (record.started_at_ms or 0) // 1_000, (record.ended_at_ms or 0) // 1_000
    return [Tick(record.session_id, second, second - began_s, (), {}, named=True) for second in range(began_s, ended_s)]


def _newest(minutes: Sequence[Rows]) -> pa.Table:
    """Of several versions of a member's minute, the last told."""
    if not minutes:
        return None
    rows = {(row["member_id"], row["minute"]): row for part in minutes for row in part.rows.to_pylist()}
    return pa.Table.from_pylist(list(rows.values()), schema=minutes[0].rows.schema)
