"""A gym's past: classes that were held, their stored telemetry, and the summaries that the stream made of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from infra.clock import system_clock
from infra.kafka import open_producer
from infra.settings import Settings
from infra.warehouse import open_client
from infra.warehouse_columns import WarehouseColumns
from orchestration.days import begin_ms, day_of
from pipelines.messages import Rows
from pipelines.result_rows import summary_rows
from pipelines.steps.results import SessionSummary
from pipelines.steps.shard import LiveShard
from pipelines.telemetry_rows import app_event_rows, by_type, raw_rows, second_rows
from schemas.directory import Participant, SessionRecord, directory_key
from schemas.events import AppEvent, Reading, SessionEnded, SessionStarted
from schemas.tables import APP_EVENTS, TELEMETRY_1S, TELEMETRY_RAW, Table
from schemas.topics import DIRECTORY
from tests.conftest import FakeClock
from tests.pipelines.steps.people import member, session

SECONDS = 240
NOON_MS = 12 * 3_600_000
encode = msgspec.json.Encoder().encode


class Gym:
    """Its today is three weeks ago: late enough for telemetry to be kept, and no other test has classes there."""

    def __init__(self, settings: Settings, first_member: int) -> None:
        self.settings = settings
        self.clock = FakeClock(begin_ms(day_of(system_clock()) - timedelta(days=20)) + NOON_MS)
        self._opened_at_ms = self.clock()
        self.people = [member(first_member + n) for n in range(3)]
        self._warehouse = WarehouseColumns(settings, "writer")
        self._producer = open_producer(settings)
        self._told: dict[str, SessionRecord] = {}

    @property
    def today(self) -> date:
        """Whatever the clock is set to later."""
        return day_of(self._opened_at_ms)

    def days_ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def held(
        self, day: date, *, bpm: int = 140, people: Sequence[Participant] = (), stored: bool = True, seconds: int = SECONDS
    ) -> "Held":
        """A class of four minutes that ended on that day at ten; `stored`: flow `store` has done its work."""
        started_ms = begin_ms(day) + 10 * 3_600_000 - seconds * 1000
        record = session(people or self.people, session_id=str(uuid4()), started_at_ms=started_ms)
        held = Held(self, replace(record, state="completed", ended_at_ms=started_ms + seconds * 1000), bpm)
        self.tell(held.record)
        if stored:
            self.store(held.readings)
            self.store_events(held.events)
        return held

    def tell(self, record: SessionRecord) -> None:
        """The directory hears of it."""
        self._producer.produce(DIRECTORY.name, encode(record), directory_key(record))
        self._producer.flush(30)
        self._told[record.session_id] = record

    def store(self, readings: Sequence[Reading]) -> None:
        """As flow `store` does."""
        sorted_out = by_type(readings)
        self.insert(TELEMETRY_RAW, raw_rows(sorted_out))
        self.insert(TELEMETRY_1S, second_rows(sorted_out, {}))

    def store_events(self, events: Sequence[AppEvent]) -> None:
        self.insert(APP_EVENTS, app_event_rows(events, [encode(event) for event in events]))

    def write(self, rows: Sequence[Rows]) -> None:
        for one in rows:
            self.insert(one.table, one.rows)

    def insert(self, table: Table, rows: object) -> None:
        self._warehouse.insert(table, rows)  # type: ignore[arg-type]  # an Arrow table

    def rows(self, sql: str, **parameters: object) -> list[dict[str, object]]:
        return self._warehouse.query(sql, parameters).to_pylist()

    def forget_days(self) -> None:
        """Its members' days are computed from nothing again."""
        ids = ", ".join(str(who.member_id) for who in self.people)
        with open_client(self.settings, "writer") as client:
            client.command(f"DELETE FROM member_daily WHERE member_id IN ({ids})")

    def close(self) -> None:
        """Its classes never ended: other gyms have theirs on the same days."""
        for record in list(self._told.values()):
            self.tell(replace(record, state="active", ended_at_ms=None))
        self._warehouse.close()
        self._producer.flush(5)


class Held:
    """One class that was held."""

    def __init__(self, gym: Gym, record: SessionRecord, bpm: int) -> None:
        self._gym = gym
        self.record = record
        self.readings = [
            self.reading(who.member_id, second, bpm + 7 * n + second % 5)
            for second in range((record.ended_at_ms - record.started_at_ms) // 1000)
            for n, who in enumerate(record.participants)
        ]
        told = {"session_id": record.session_id, "class_id": 5, "actor_id": 9}
        started = {"event_time_ms": record.started_at_ms, "class_type": "spin", "expected_members": 3}
        self.events: list[AppEvent] = [
            SessionStarted(event_id=str(uuid4()), **told, **started),
            SessionEnded(event_id=str(uuid4()), **told, event_time_ms=record.ended_at_ms),
        ]

    @property
    def session_id(self) -> str:
        return self.record.session_id

    @property
    def day(self) -> date:
        return day_of(self.record.ended_at_ms)

    def reading(self, member_id: int, second: int, bpm: int, *, delay_ms: int = 40) -> Reading:
        at_ms = self.record.started_at_ms + second * 1000
        return Reading(
            type="heart_rate",
            event_id=f"hr:{member_id}:{at_ms}",
            member_id=member_id,
            session_id=self.session_id,
            device_id=f"strap-{member_id}",
            event_time_ms=at_ms,
            received_time_ms=at_ms + delay_ms,
            heart_rate_bpm=bpm,
        )

    def live_summary(self) -> SessionSummary:
        """What flow `live` makes of it while it happens."""
        shard = LiveShard.restore(None)
        shard.put_session(replace(self.record, state="active", ended_at_ms=None))
        shard.app_events(self.events[:1])
        for begin in range(0, len(self.readings), 100):
            shard.readings(self.readings[begin : begin + 100])
        shard.put_session(self.record)
        shard.app_events(self.events[1:])
        shard.tick(self.record.ended_at_ms, True)
        (summary,) = shard.take_summaries()
        return summary

    def summarised(self) -> SessionSummary:
        """Flow `live` has written its summary."""
        summary = self.live_summary()
        self._gym.write(summary_rows(summary))
        return summary
