"""Both flows of one group without servers: their logic, a log, and tables that merge as the warehouse's do."""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from infra.directory import Directory
from pipelines import history
from pipelines.corrections import Corrected, Corrections, Wanted
from pipelines.corrector import correct
from pipelines.decoding import Letters
from pipelines.known_alerts import KnownAlerts
from pipelines.live_group import LiveGroup
from pipelines.messages import Batch, Output, Publish, Rows
from pipelines.packing import unpacked
from pipelines.progress import Progress
from pipelines.sessions import Sessions
from pipelines.steps.shard import LiveShard
from pipelines.store_group import StoreGroup
from schemas.alerts import Alert, alert_decoder
from schemas.directory import SessionRecord
from schemas.events import AppEvent, Reading
from schemas.tables import (
    ALERTS,
    APP_EVENTS,
    CLASS_SUMMARIES,
    MEMBER_MINUTES,
    MEMBER_SUMMARIES,
    SUMMARY_CORRECTIONS,
    TELEMETRY_1S,
    TELEMETRY_RAW,
    Table,
)
from schemas.topics import ALERTS as ALERTS_TOPIC
from schemas.topics import APP_EVENTS as APP_TOPIC
from schemas.topics import DEVICE_EVENTS
from tests.conftest import FakeClock
from tests.pipelines.records import Record

Row = dict[str, Any]
KEYS: dict[Table, tuple[str, ...]] = {
    TELEMETRY_RAW: ("member_id", "session_id", "metric", "ts", "device", "seq"),
    TELEMETRY_1S: ("member_id", "session_id", "ts"),
    APP_EVENTS: ("session_id", "ts", "event_id"),
    MEMBER_MINUTES: ("session_id", "member_id", "minute"),
    ALERTS: ("session_id", "raised_at", "alert_id"),
    MEMBER_SUMMARIES: ("session_id", "member_id"),
    CLASS_SUMMARIES: ("session_id",),
    SUMMARY_CORRECTIONS: ("session_id", "revision"),
}
"""`ORDER BY` of each table in `schemas/migrations`; tests/late/test_replay_on_servers.py holds this to the real ones."""
VERSIONS = {
    TELEMETRY_RAW: "received_at",
    APP_EVENTS: "received_at",
    MEMBER_MINUTES: "version",
    ALERTS: "version",
    MEMBER_SUMMARIES: "revision",
    CLASS_SUMMARIES: "revision",
}
encode = msgspec.json.Encoder().encode


class Tables:
    """What the views show: per key the row with the newest version, of equal ones the last; telemetry_1s coalesces."""

    def __init__(self) -> None:
        self.rows: dict[Table, dict[tuple[Any, ...], Row]] = {table: {} for table in KEYS}
        self.inserted = 0

    def insert(self, rows: Rows) -> None:
        kept, version = self.rows[rows.table], VERSIONS.get(rows.table)
        for row in rows.rows.to_pylist():
            self.inserted += 1
            key = tuple(row[name] for name in KEYS[rows.table])
            before = kept.get(key)
            if rows.table is TELEMETRY_1S and before is not None:
                kept[key] = before | {name: value for name, value in row.items() if value is not None}
            elif before is None or version is None or row[version] >= before[version]:
                kept[key] = row

    def shown(self, table: Table, *leaving_out: str) -> list[Row]:
        """All rows by key, without columns that may differ."""
        rows = self.rows[table]
        return [{name: value for name, value in rows[key].items() if name not in leaving_out} for key in sorted(rows)]

    def query(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table:
        """The questions of `pipelines.history`."""
        of = {
            table: [row for row in rows.values() if row["session_id"] == parameters["session"]]
            for table, rows in self.rows.items()
        }
        return pa.Table.from_pylist(*ANSWERS[sql](of, parameters))


Asked = Mapping[Table, Sequence[Row]]
Answer = tuple[list[Row], pa.Schema]
RAW_SCHEMA = pa.schema(
    [
        ("member_id", pa.uint64()),
        ("ts_ms", pa.int64()),
        ("device_id", pa.string()),
        ("metric_name", pa.string()),
        ("value", pa.float64()),
        ("source_id", pa.string()),
        ("received_ms", pa.int64()),
    ]
)


def _ms(moment: Any) -> int:
    return round(moment.timestamp() * 1000)


def _raw(of: Asked, _parameters: Mapping[str, Any]) -> Answer:
    rows = sorted(of[TELEMETRY_RAW], key=lambda r: (r["ts"], r["member_id"], r["device"], r["metric"], r["seq"]))
    told = [
        {
            "member_id": row["member_id"],
            "ts_ms": _ms(row["ts"]),
            "device_id": row["device"],
            "metric_name": row["metric"],
            "value": row["value"],
            "source_id": row["source"],
            "received_ms": _ms(row["received_at"]),
        }
        for row in rows
    ]
    return told, RAW_SCHEMA


def _place(of: Asked, asked: Mapping[str, Any]) -> Answer:
    found = sum(
        (row["member_id"], _ms(row["ts"]), row["device"]) == (asked["member"], asked["ts_ms"], asked["device"])
        and _ms(row["received_at"]) >= asked["received_ms"]
        for row in of[TELEMETRY_RAW]
    )
    return [{"found": found}], pa.schema([("found", pa.int64())])


def _app(of: Asked, _parameters: Mapping[str, Any]) -> Answer:
    rows = sorted(of[APP_EVENTS], key=lambda row: (row["ts"], row["event_id"]))
    return [{"body": row["body"]} for row in rows], pa.schema([("body", pa.string())])


def _alerts(of: Asked, _parameters: Mapping[str, Any]) -> Answer:
    counts: dict[int, int] = {}
    for row in of[ALERTS]:
        counts[row["member_id"]] = counts.get(row["member_id"], 0) + 1
    rows = [{"member_id": member_id, "alerts": count} for member_id, count in counts.items()]
    return rows, pa.schema([("member_id", pa.int64()), ("alerts", pa.int64())])


def _summary(of: Asked, _parameters: Mapping[str, Any]) -> Answer:
    names = ("revision", "late_events", "summary")
    rows = [{name: row[name] for name in names} for row in of[CLASS_SUMMARIES]]
    return rows, pa.schema([("revision", pa.int64()), ("late_events", pa.int64()), ("summary", pa.string())])


def _members(of: Asked, _parameters: Mapping[str, Any]) -> Answer:
    asked = history.MEMBERS_SQL.split("SELECT", 1)[1].split("FROM", 1)[0].replace("\n", " ").split(",")
    names = [name.strip() for name in asked]
    rows = [{name: row[name] for name in names} for row in sorted(of[MEMBER_SUMMARIES], key=lambda row: row["member_id"])]
    return rows, pa.Table.from_pylist(rows).schema


ANSWERS: dict[str, Callable[[Asked, Mapping[str, Any]], Answer]] = {
    history.RAW_SQL: _raw,
    history.PLACE_SQL: _place,
    history.APP_SQL: _app,
    history.ALERTS_SQL: _alerts,
    history.SUMMARY_SQL: _summary,
    history.MEMBERS_SQL: _members,
}


@dataclass
class DirectoryStand:
    """What the flows need of a directory reader that is always caught up."""

    directory: Directory = field(default_factory=Directory)

    def catch_up(self) -> bool:
        return True


@dataclass
class CorrectorStand:
    """Answers at once, where the product's corrector has a thread of its own."""

    tables: Tables
    waiting: deque[Corrected] = field(default_factory=deque)

    def ask(self, wanted: Wanted) -> None:
        self.waiting.append(correct(self.tables, wanted))

    def answers(self) -> list[Corrected]:
        return [self.waiting.popleft() for _ in range(len(self.waiting))]


class SmallWorld:
    """One group of partitions: messages in, tables and topics out. Time moves only with `at`."""

    def __init__(self, now_ms: int) -> None:
        self.clock = FakeClock(now_ms)
        self.tables = Tables()
        self.published: list[Publish] = []
        self.directory = DirectoryStand()
        self.progress = Progress("test", 0)
        self.progress.measured({}, {})
        self._news: deque[SessionRecord] = deque()
        self._offset = 0
        self._behind: list[Batch] | None = None
        self._sessions = Sessions(self.directory)  # type: ignore[arg-type]  # a hand-written stand for the reader
        self._store = StoreGroup(self._sessions, Letters("store", self.clock))
        self._live = self._build(None)

    def put(self, record: SessionRecord) -> None:
        """News of the directory."""
        self.directory.directory.put(record)
        self._news.append(record)

    def readings(self, readings: Iterable[Reading | bytes]) -> None:
        """One batch of device events, through both flows; bytes go in as they are."""
        payloads = [r if isinstance(r, bytes) else encode(r) for r in readings]
        self._take(DEVICE_EVENTS.name, payloads)

    def app_events(self, *events: AppEvent) -> None:
        self._take(APP_TOPIC.name, [encode(event) for event in events])

    def at(self, now_ms: int, *, caught_up: bool = True) -> None:
        """The flow's timer goes off at this time of day; a flow that is behind knows it."""
        self.clock.now_ms = now_ms
        self.progress.lag_messages = 0 if caught_up else 1_000
        self.progress.newest_published_ms = 0
        self._give(self._live.wake(now_ms))
        while self._live.next_wake_ms() <= now_ms:
            self._give(self._live.wake(now_ms))

    @property
    def next_wake_ms(self) -> int:
        """When the flow's timer is to go off next."""
        return self._live.next_wake_ms()

    def restart(self) -> None:
        """Flow live dies behind a checkpoint and comes back."""
        self.die(self.checkpoint())

    def checkpoint(self) -> bytes:
        """What flow live would go on from, were it to die later; the log after it is then to be delivered again."""
        return pickle.dumps(self._live.snapshot())

    def die(self, checkpoint: bytes) -> None:
        """Flow live is killed and comes back as it was then."""
        self._live = self._build(pickle.loads(checkpoint))

    @contextmanager
    def nothing_stored(self) -> Iterator[None]:
        """Rows made inside the block never reach their tables."""
        tables, self.tables = self.tables, Tables()
        yield
        self.tables = tables

    @contextmanager
    def store_behind(self) -> Iterator[None]:
        """Flow store stands still inside the block and catches up after it."""
        self._behind = []
        yield
        waiting, self._behind = self._behind, None
        for batch in waiting:
            self._give(self._store.take(batch))

    def messages(self, topic: str) -> list[Any]:
        return [msgspec.json.decode(message.value) for message in self.published if message.topic == topic]

    def _build(self, state: dict[str, Any] | None) -> LiveGroup:
        found = state or {}
        return LiveGroup(
            shard=LiveShard.restore(unpacked(found.get("shard"))),
            corrections=Corrections(CorrectorStand(self.tables), found.get("corrections")),
            known_alerts=KnownAlerts(self._told(), found.get("alert_shifts")),
            sessions=self._sessions,
            news=self._news,
            letters=Letters("live", self.clock),
            progress=self.progress,
            lag_label="0",
            clock=self.clock,
        )

    def _told(self) -> list[Alert]:
        return [alert_decoder.decode(message.value) for message in self.published if message.topic == ALERTS_TOPIC.name]

    def _take(self, topic: str, payloads: Sequence[bytes]) -> None:
        if not payloads:
            return
        messages = [Record(topic, 0, self._offset + n, payload) for n, payload in enumerate(payloads)]
        batch = Batch(topic, messages)
        self._offset += len(payloads)
        if self._behind is None:
            self._give(self._store.take(batch))
        else:
            self._behind.append(batch)
        self._give(self._live.take(batch))

    def _give(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, Rows):
                self.tables.insert(output)
            else:
                self.published.append(output)
