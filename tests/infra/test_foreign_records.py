"""Messages on `directory` and `dead-letters` that are none of ours, as every process meets them: on a real Kafka."""

import msgspec
import pytest

from infra.dead_letters import read_dead_letters
from infra.directory import DirectoryReader
from infra.kafka import open_producer
from infra.settings import Settings
from infra.telemetry.metrics import MESSAGES_UNREADABLE
from schemas.directory import MemberRecord, directory_key
from schemas.rejected import Rejected
from schemas.topics import DEAD_LETTERS, DIRECTORY, Topic
from tests.hostile import SESSION, payloads
from tests.running import wait_until

pytestmark = pytest.mark.servers
BEFORE, AFTER = MemberRecord(member_id=770_001), MemberRecord(member_id=770_002)


def unreadable() -> float:
    (metric,) = MESSAGES_UNREADABLE.labels(DIRECTORY.name).collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


def put(settings: Settings, topic: Topic, values: list[bytes | None], key: bytes) -> None:
    producer = open_producer(settings, linger_ms=0)
    for value in values:
        producer.produce(topic.name, value, key=key)
    assert producer.flush(30) == 0


def test_the_directory_is_read_past_foreign_records_at_the_start_and_while_it_is_followed(kafka_only: Settings) -> None:
    hostile = list(payloads(DIRECTORY).values())
    tellable = sum(value is not None for value in hostile)
    put(kafka_only, DIRECTORY, [*hostile, msgspec.json.encode(BEFORE)], directory_key(BEFORE))
    told = unreadable()
    reader = DirectoryReader(kafka_only)
    try:
        assert BEFORE.member_id in reader.directory.members
        assert unreadable() >= told + tellable
        reader.follow()
        told = unreadable()
        put(kafka_only, DIRECTORY, [*hostile, msgspec.json.encode(AFTER)], b"\xff no key of ours")
        wait_until(lambda: AFTER.member_id in reader.directory.members, "the record behind them is taken in")
        assert unreadable() >= told + tellable, "each is told; other readers of this process count as well"
        assert SESSION not in reader.directory.sessions
        put(kafka_only, DIRECTORY, [None], directory_key(AFTER))
        assert reader.catch_up(), "a tombstone at the end is read like any other"
    finally:
        reader.close()


def test_dead_letters_are_listed_past_foreign_ones(kafka_only: Settings) -> None:
    ours = Rejected(
        rejected_id="dl-behind-foreign-ones",
        place="device-events:0:9000000",  # nobody's: others look theirs up by its place
        stage="flow-store",
        reason="not_json",
        detail="",
        rejected_at_ms=1,
        payload=b"",
        topic="device-events",
    )
    put(kafka_only, DEAD_LETTERS, [*payloads(DEAD_LETTERS).values(), msgspec.json.encode(ours)], b"flow-store")
    assert ours.rejected_id in read_dead_letters(kafka_only)
