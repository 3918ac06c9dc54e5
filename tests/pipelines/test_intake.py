"""Events take the same exits in the same order whether they are read together or one by one."""

import random
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from infra.directory import Directory
from pipelines.class_news import ClassNews
from pipelines.decoding import Letters
from pipelines.intake import TOGETHER_MIN, Arrived, Intake
from pipelines.layouts import ALIKE_MIN
from pipelines.sessions import Sessions
from pipelines.steps.batch import Batch
from pipelines.steps.shard import LiveShard
from schemas.events import NO_SESSION, HeartRate, Pose
from schemas.rejected import rejected_decoder
from tests.pipelines.flows.stage import heart_rate, new_session, power
from tests.pipelines.records import Record

AT_MS = 1_790_000_000_000


@dataclass
class Following:
    """A directory that is always read to its end."""

    directory: Directory = field(default_factory=Directory)

    def catch_up(self) -> bool:
        return True


@dataclass
class Door:
    """An intake with its shard and its dead letters."""

    directory: Directory

    def __post_init__(self) -> None:
        self.letters = Letters("live", lambda: 5)
        self.shard = LiveShard.restore(None)
        sessions = Sessions(Following(self.directory))  # type: ignore[arg-type]  # what it uses of a DirectoryReader
        self.intake = Intake(self.shard, sessions, ClassNews(self.shard, sessions), self.letters)

    def take(self, messages: list[Record]) -> Arrived:
        return self.intake.take(list(messages))


def messages_of(sessions: list[str], random: random.Random) -> list[Record]:
    """Straps and power meters, some of them strange in every way that has an exit of its own."""
    payloads = []
    for at in range(TOGETHER_MIN + 200):
        session_id, member_id = random.choice(sessions), random.randint(10, 14)
        event: HeartRate | Pose = heart_rate(session_id, member_id, AT_MS + at, random.randint(99, 101), rr_ms=(800,))
        strange = random.random()
        if strange < 0.1:
            payloads.append(msgspec.json.encode(power(session_id, member_id, AT_MS + at, 200)))
            continue
        if strange < 0.13:
            event = msgspec.structs.replace(event, session_id=NO_SESSION)
        elif strange < 0.16:
            event = msgspec.structs.replace(event, member_id=99)
        elif strange < 0.19:
            event = Pose(**{name: getattr(event, name) for name in SHARED}, landmarks=((0.5, 0.5, 0.0, 1.0),) * 33)
        payload = msgspec.json.encode(event)
        payloads.append(
            payload.replace(b'"heart_rate"', b'"gait"') if strange > 0.97 else payload[: -(strange > 0.94)] or payload
        )
    return [Record("device-events", 0, at, payload) for at, payload in enumerate(payloads)]


SHARED = ("event_id", "member_id", "session_id", "device_id", "event_time_ms", "received_time_ms")


@pytest.mark.parametrize("seed", range(5))
def test_reading_together_and_one_by_one_is_the_same(seed: int) -> None:
    directory = Directory()
    for members in ((10, 11, 12), (12, 13, 14)):
        directory.put(new_session(members, AT_MS - 1_000))
    messages = messages_of([*directory.sessions, "11111111-2222-4333-8444-555555555555"], random.Random(seed))
    together, apart = Door(directory), Door(directory)
    together.take(messages[:100])  # the sessions are known from here on
    apart.take(messages[:100])
    for door in (together, apart):
        door.letters.take()
    whole = together.take(messages)
    parts = [apart.take(messages[begin : begin + 100]) for begin in range(0, len(messages), 100)]
    assert whole.messages == [message for part in parts for message in part.messages]
    for at, column in enumerate(columns(whole.batch)):
        assert column == [value for part in parts for value in columns(part.batch)[at]]
    assert whole.strangers.events == [event for part in parts for event in part.strangers.events]
    assert whole.outside == sum(part.outside for part in parts)
    assert newest(whole, together.shard) == newest_of(parts, apart.shard)
    assert refused(together.letters) == refused(apart.letters)


def test_a_session_that_begins_within_the_batch_is_read_with_it() -> None:
    directory = Directory()
    session = new_session([10, 11], AT_MS - 1_000)
    directory.put(session)
    door = Door(directory)
    events = [heart_rate(session.session_id, 10 + at % 2, AT_MS + at, 120) for at in range(2 * TOGETHER_MIN)]
    messages = [Record("device-events", 0, at, msgspec.json.encode(event)) for at, event in enumerate(events)]
    for _ in range(2):
        arrived = door.take(messages)
        assert arrived.batch.at_ms.tolist() == [event.event_time_ms for event in events]
        assert arrived.batch.rows.tolist() == [at % 2 for at in range(len(events))]
    assert not door.shard.take(arrived.batch.part(np.arange(ALIKE_MIN))).any()
    assert [reading.event_time_ms for reading in arrived.newest(door.shard)] == [events[-1].event_time_ms]


def columns(batch: Batch) -> list[list[int]]:
    empty = np.zeros(len(batch), dtype=np.int64)
    beats = np.bincount(batch.intervals.event, batch.intervals.rr_ms, len(batch)) if batch.intervals else empty
    cells = [batch.cells.get(metric, empty).tolist() for metric in range(4)]
    return [batch.rows.tolist(), batch.at_ms.tolist(), batch.received_ms.tolist(), *cells, beats.astype(int).tolist()]


def refused(letters: Letters) -> list[tuple[str, str]]:
    written = [rejected_decoder.decode(letter.value) for letter in letters.take()]
    return sorted((letter.place, letter.reason) for letter in written)


def newest(arrived: Arrived, shard: LiveShard) -> dict[str, str]:
    return {reading.session_id: reading.event_id for reading in arrived.newest(shard)}


def newest_of(parts: list[Arrived], shard: LiveShard) -> dict[str, str]:
    return {session_id: event_id for part in parts for session_id, event_id in newest(part, shard).items()}
