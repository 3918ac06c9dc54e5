"""A small club in the directory, its device tokens, and a running gateway for it."""

import hashlib
import itertools
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from infra.embedded.launch import Launch
from infra.kafka import open_consumer, open_producer, read_to_end
from infra.settings import Settings, child_environment
from schemas.directory import (
    DeviceRecord,
    DirectoryRecord,
    MemberRecord,
    Participant,
    SessionRecord,
    directory_key,
)
from schemas.rejected import Rejected, dead_letter_decoder
from schemas.topics import DEAD_LETTERS, DEVICE_EVENTS, DIRECTORY, Topic
from schemas.unreadable import UNREADABLE
from tests.recordings import FLOORS
from tests.running import answers, running, wait_until

HUB_TOKEN = "pd_hub_1f0c9a52"
MEMBER_TOKEN = "pd_strap_77aa10"
MEMBER = 7
MEMBERS = range(1, 11)
SESSION = "0b0e8a3c-0000-4000-8000-000000000001"
CLASS = 41
OTHER_SESSION = "0b0e8a3c-0000-4000-8000-000000000002"
"""Another class that runs, with member 1 only."""
_numbers = itertools.count()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def device_record(token: str, **changes: Any) -> DeviceRecord:
    scope = "gateway" if "hub" in token else "member"
    facts: dict[str, Any] = {"scope": scope, "member_id": None if scope == "gateway" else MEMBER, "device_id": f"dev-{scope}"}
    digest = hashlib.sha256(token.encode()).hexdigest()
    return DeviceRecord(token_id=token.split("_")[1], token_sha256=digest, **{**facts, **changes})


def session_record(**changes: Any) -> SessionRecord:
    people = tuple(Participant(member_id=i, name=f"Member {i}", heart_rate_zone_floors_bpm=FLOORS) for i in MEMBERS)
    facts: dict[str, Any] = {"session_id": SESSION, "class_id": CLASS, "class_name": "Morning Spin", "class_type": "spinning"}
    return SessionRecord(**{**facts, "started_at_ms": now_ms() - 60_000, "participants": people, **changes})


def publish(settings: Settings, *records: DirectoryRecord) -> None:
    producer = open_producer(settings)
    for record in records:
        producer.produce(DIRECTORY.name, msgspec.json.encode(record), directory_key(record))
    assert producer.flush(20) == 0


def heart_rate(**changes: Any) -> dict[str, Any]:
    """A good event of the member, each with an id of its own."""
    event: dict[str, Any] = {
        "type": "heart_rate",
        "event_id": f"test-{uuid.uuid4().hex[:8]}-{next(_numbers)}",
        "member_id": MEMBER,
        "device_id": "strap-7",
        "event_time_ms": now_ms(),
        "heart_rate_bpm": 141,
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not ...}


def read_topic(settings: Settings, topic: Topic) -> list[dict[str, Any]]:
    """All messages of a topic as JSON, each with its key under `key`."""
    consumer = open_consumer(settings)
    try:
        found = []
        for m in read_to_end(consumer, topic):
            with suppress(*UNREADABLE):  # other tests leave poison on the topic
                found.append({**msgspec.json.decode(m.value() or b""), "key": (m.key() or b"").decode()})
        return found
    finally:
        consumer.close()


def published(settings: Settings, *event_ids: str) -> list[dict[str, Any]]:
    """The messages on `device-events` with these event ids, doubles included."""
    return [message for message in read_topic(settings, DEVICE_EVENTS) if message.get("event_id") in event_ids]


def dead_letters(settings: Settings) -> list[Rejected]:
    consumer = open_consumer(settings)
    try:
        found = []
        for message in read_to_end(consumer, DEAD_LETTERS):
            with suppress(*UNREADABLE):  # as above
                found.append(dead_letter_decoder.decode(message.value() or b""))
        return [letter for letter in found if isinstance(letter, Rejected) and letter.stage == "gateway"]
    finally:
        consumer.close()


@dataclass
class RunningGateway:
    """A gateway process and how to talk to it."""

    settings: Settings
    pid: int
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.settings.gateway_url, timeout=30, trust_env=False)

    def post(self, content: Any, token: str | None = MEMBER_TOKEN, **headers: str) -> httpx.Response:
        """POST events: bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        return self.client.post("/v1/events", content=body, headers=given)

    def counted(self, metric: str, **labels: str) -> float:
        """The sum of a counter over all its series that have these labels."""
        text = self.client.get("/metrics").text
        lines = [line for line in text.splitlines() if re.match(rf"paceline_{metric}_total[{{ ]", line)]
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(label in line for label in wanted))

    def events_accounted_for(self) -> float:
        return sum(self.counted(f"events_{exit_}", door="gateway") for exit_ in ("accepted", "doubled", "rejected"))

    def wait_for(self, token: str, status: int) -> None:
        """Until the directory's news has arrived."""
        wait_until(lambda: self.post([], token).status_code == status, f"{status} for {token}")


@contextmanager
def running_gateway(settings: Settings) -> Iterator[RunningGateway]:
    """`paceline gateway` with the club's records in its directory."""
    publish(settings, *(MemberRecord(member_id=i) for i in MEMBERS), MemberRecord(member_id=99, active=False))
    one = Participant(member_id=1, name="One", heart_rate_zone_floors_bpm=FLOORS)
    others = session_record(session_id=OTHER_SESSION, class_id=42, class_name="Alone", class_type="rowing", participants=(one,))
    publish(settings, others, session_record(), device_record(HUB_TOKEN), device_record(MEMBER_TOKEN))
    launch = Launch([sys.executable, "-m", "infra.cli", "gateway"], child_environment(settings), settings.home)
    ready = f"{settings.gateway_url}/ready"
    with running(launch, lambda: answers(ready), settings.home / "gateway.log") as process:
        gateway = RunningGateway(settings, process.pid)
        yield gateway
        gateway.client.close()
