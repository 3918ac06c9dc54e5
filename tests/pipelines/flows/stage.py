"""A stage for flow tests: sessions, events and flow processes against real servers."""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from infra.embedded.launch import Launch
from infra.kafka import open_consumer, open_producer, read_to_end
from infra.settings import Settings, child_environment
from infra.warehouse import open_client
from schemas.directory import Limits, Participant, SessionRecord, directory_key
from schemas.events import AppEvent, DeviceEvent, HeartRate, Power, SessionEnded, SessionStarted
from schemas.topics import APP_EVENTS, DEVICE_EVENTS, DIRECTORY, LIVE, Topic, session_key
from tests.running import PLAIN, answers, wait_until

ZONE_FLOORS = (95, 114, 133, 152, 171)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def participant(member_id: int, high_bpm: int | None = 180) -> Participant:
    return Participant(
        member_id=member_id,
        name=f"Member {member_id}",
        sex="female",
        age_years=30,
        mass_kg=60,
        max_heart_rate_bpm=190,
        resting_heart_rate_bpm=60,
        heart_rate_zone_floors_bpm=ZONE_FLOORS,
        limits=Limits(heart_rate_high_bpm=high_bpm),
    )


def new_session(members: Iterable[int], started_at_ms: int, class_id: int = 7) -> SessionRecord:
    return SessionRecord(
        session_id=str(uuid.uuid4()),
        class_id=class_id,
        class_name="Spin",
        class_type="spin",
        started_at_ms=started_at_ms,
        participants=tuple(participant(member_id) for member_id in members),
    )


def heart_rate(session_id: str, member_id: int, at_ms: int, bpm: int, **more: Any) -> HeartRate:
    return HeartRate(
        event_id=f"hr-{member_id}-{at_ms}",
        member_id=member_id,
        session_id=session_id,
        device_id=f"strap-{member_id}",
        event_time_ms=at_ms,
        received_time_ms=at_ms + 5,
        heart_rate_bpm=bpm,
        **more,
    )


def power(session_id: str, member_id: int, at_ms: int, watts: int) -> Power:
    return Power(
        event_id=f"pw-{member_id}-{at_ms}",
        member_id=member_id,
        session_id=session_id,
        source="power_meter",
        device_id=f"meter-{member_id}",
        event_time_ms=at_ms,
        received_time_ms=at_ms + 5,
        power_watts=watts,
    )


def started(session: SessionRecord) -> SessionStarted:
    return SessionStarted(
        event_id=f"started-{session.session_id}",
        session_id=session.session_id,
        class_id=session.class_id,
        event_time_ms=session.started_at_ms,
        received_time_ms=session.started_at_ms,
        class_type=session.class_type,
        expected_members=len(session.participants),
    )


def ended(session: SessionRecord, at_ms: int) -> SessionEnded:
    return SessionEnded(
        event_id=f"ended-{session.session_id}",
        session_id=session.session_id,
        class_id=session.class_id,
        event_time_ms=at_ms,
        received_time_ms=at_ms,
    )


@dataclass
class FlowProcess:
    """One flow as its own process, started and ended at will; always the same memory."""

    settings: Settings
    name: str
    group: int = 0
    groups: int = 1
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.metrics_port + 2 * self.group + (self.name == 'live')}"

    @property
    def log(self) -> str:
        return (self.settings.home / f"{self.name}.log").read_text(errors="replace")

    def start(self) -> "FlowProcess":
        command = [
            sys.executable,
            "-m",
            "infra.cli",
            "flow",
            self.name,
            "--group",
            str(self.group),
            "--groups",
            str(self.groups),
        ]
        launch = Launch(command, child_environment(self.settings), self.settings.home)
        with (self.settings.home / f"{self.name}.log").open("ab") as output:
            self.process = launch.start(output)
        return self

    def wait_ready(self, timeout_s: float = 20) -> "FlowProcess":
        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"flow {self.name} died:\n{self.log[-4_000:]}"
            return answers(f"{self.url}/ready")

        wait_until(ready, f"flow {self.name} ready", timeout_s)
        return self

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit code and how long it took."""
        assert self.process is not None
        since = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(15)
        return code, time.monotonic() - since

    def metric(self, name: str, **labels: str) -> float:
        """The value of one sample on /metrics; 0 when there is none."""
        from prometheus_client.parser import text_string_to_metric_families

        for family in text_string_to_metric_families(httpx.get(f"{self.url}/metrics", timeout=30, verify=PLAIN).text):
            for sample in family.samples:
                if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items()):
                    return sample.value
        return 0.0


@dataclass
class WarehouseProcess:
    """A warehouse of a test's own, to be killed and started again."""

    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "WarehouseProcess":
        command = [sys.executable, "-m", "infra.cli", "warehouse", "serve"]
        launch = Launch(command, child_environment(self.settings), self.settings.home)
        with (self.settings.home / "warehouse.log").open("ab") as output:
            self.process = launch.start(output)
        wait_until(lambda: answers(f"http://127.0.0.1:{self.settings.clickhouse_port}/ping"), "warehouse")
        return self

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def flow(settings: Settings, name: str) -> Iterator[FlowProcess]:
    """A flow that is ready inside the block and gone after it."""
    process = FlowProcess(settings, name).start()
    try:
        yield process.wait_ready()
    finally:
        if process.process and process.process.poll() is None:
            process.process.kill()
            process.process.wait()
        sys.stdout.write(process.log[-6_000:])  # shown by pytest when a test failed


@dataclass
class Stage:
    """Puts records and events on topics as the doors would, and reads what the flows made of them."""

    settings: Settings
    producer: Producer = field(init=False)
    reader: Client = field(init=False)

    def __post_init__(self) -> None:
        self.producer = open_producer(self.settings)
        self.reader = open_client(self.settings, "reader")

    def close(self) -> None:
        self.producer.close()
        self.reader.close()

    def open_session(self, session: SessionRecord) -> SessionRecord:
        self.producer.produce(DIRECTORY.name, msgspec.json.encode(session), key=directory_key(session))
        assert self.producer.flush(10) == 0
        return session

    def send(self, events: Iterable[DeviceEvent]) -> None:
        for event in events:
            assert event.session_id is not None
            key = session_key(event.session_id, event.member_id)
            self.producer.produce(DEVICE_EVENTS.name, msgspec.json.encode(event), key=key)
            self.producer.poll(0)
        assert self.producer.flush(10) == 0

    def send_raw(self, topic: Topic, value: bytes | None, key: bytes) -> str:
        """Publish bytes as they are; returns their place."""
        places: list[str] = []
        self.producer.produce(
            topic.name, value, key=key, on_delivery=lambda _, m: places.append(f"{m.topic()}:{m.partition()}:{m.offset()}")
        )
        assert self.producer.flush(10) == 0
        return places[0]

    def tell(self, *events: AppEvent) -> None:
        for event in events:
            self.producer.produce(APP_EVENTS.name, msgspec.json.encode(event), key=session_key(event.session_id))
        assert self.producer.flush(10) == 0

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.reader.query(sql, parameters=parameters).result_rows]

    def count(self, view: str, session_id: str) -> int:
        return int(self.rows(f"SELECT count() FROM {view} WHERE session_id = {{s:UUID}}", s=session_id)[0][0])

    def messages(self, topic: Topic, session_id: str) -> list[dict[str, Any]]:
        """Everything of a session on a topic, in order."""
        consumer = open_consumer(self.settings)
        try:
            return [
                json.loads(message.value() or b"")
                for message in read_to_end(consumer, topic)
                if message.key() == session_id.encode()
            ]
        finally:
            consumer.close()


def newest(stage: Stage, session_id: str) -> dict[int, dict[str, Any]]:
    """The picture that a page would have after all messages so far: member → column → value."""
    members: list[int] = []
    rows: dict[int, dict[str, Any]] = {}
    for message in stage.messages(LIVE, session_id):
        if message["kind"] == "key":
            members = message["members"]
        for name, values in message["columns"].items():
            for at, value in zip(message["rows"], values, strict=True):
                rows.setdefault(members[at], {})[name] = value
    return rows
