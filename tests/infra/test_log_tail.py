"""Reading topics from a moment in the past, onward, on a real Kafka."""

import time
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition

from infra.errors import Unavailable
from infra.kafka import ensure_topics, open_admin, open_producer
from infra.log_tail import LogHole, LogRecord, LogTail, log_generations
from infra.settings import Settings
from schemas.topics import Topic, partition_of

pytestmark = pytest.mark.servers


@pytest.fixture
def topic(kafka_only: Settings) -> Topic:
    made = Topic(f"tail-{uuid4().hex[:8]}", "for this test", "session id", 4, 3_600_000)
    ensure_topics(kafka_only, (made,))
    return made


def put(settings: Settings, topic: Topic, keys: list[str], at_ms: int) -> None:
    producer = open_producer(settings, linger_ms=0)
    for key in keys:
        producer.produce(topic.name, key.encode(), key=key.encode(), timestamp=at_ms)
    assert producer.flush(10) == 0


def read_all(tail: LogTail, count: int) -> list[LogRecord | LogHole]:
    found: list[LogRecord | LogHole] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        found += tail.read(0.2)
    return found


def test_reading_begins_at_the_given_time_and_goes_on_past_the_end(kafka_only: Settings, topic: Topic) -> None:
    now_ms = int(time.time() * 1_000)
    old, new = [str(uuid4()) for _ in range(20)], [str(uuid4()) for _ in range(20)]
    put(kafka_only, topic, old, now_ms - 60_000)
    put(kafka_only, topic, new, now_ms - 1_000)
    tail = LogTail(kafka_only, {topic: now_ms - 30_000})
    assert any(tail.next[place] < end for place, end in tail.end.items())
    found = read_all(tail, 20)
    assert sorted(item.value.decode() for item in found if isinstance(item, LogRecord)) == sorted(new)
    assert tail.caught_up
    put(kafka_only, topic, ["later"], now_ms)
    assert [item.value for item in read_all(tail, 1) if isinstance(item, LogRecord)] == [b"later"]
    tail.close()


def test_a_time_behind_the_last_message_begins_at_the_end(kafka_only: Settings, topic: Topic) -> None:
    now_ms = int(time.time() * 1_000)
    put(kafka_only, topic, ["a", "b", "c"], now_ms - 60_000)
    tail = LogTail(kafka_only, {topic: now_ms})
    assert tail.caught_up
    assert tail.first == tail.end
    tail.close()


def test_partitions_are_those_that_kafka_chooses(kafka_only: Settings, topic: Topic) -> None:
    keys = [str(uuid4()) for _ in range(200)] + ["", "a", "ab", "abc", "abcd"]
    put(kafka_only, topic, keys, int(time.time() * 1_000))
    tail = LogTail(kafka_only, {topic: 0})
    for item in read_all(tail, len(keys)):
        assert isinstance(item, LogRecord)
        assert item.partition == partition_of(item.value, topic.partitions)
    tail.close()


def test_messages_that_the_log_let_go_are_told_as_a_hole(kafka_only: Settings, topic: Topic) -> None:
    key = str(uuid4())
    place = partition_of(key.encode(), topic.partitions)
    put(kafka_only, topic, [key] * 5, int(time.time() * 1_000))
    tail = LogTail(kafka_only, {topic: 0})
    read_all(tail, 5)
    admin = open_admin(kafka_only)
    for future in admin.delete_records([TopicPartition(topic.name, place, 3)]).values():
        future.result()
    tail._consumer.seek(TopicPartition(topic.name, place, 1))  # as after a long sleep of the machine
    tail.next[topic.name, place] = 1
    found = read_all(tail, 3)
    assert found[0] == LogHole(topic.name, place, 3)
    assert [item.offset for item in found[1:] if isinstance(item, LogRecord)] == [3, 4]
    tail.close()


def test_a_topic_made_anew_has_another_generation(kafka_only: Settings, topic: Topic) -> None:
    before = log_generations(kafka_only, (topic,))[topic.name]
    assert before == log_generations(kafka_only, (topic,))[topic.name]
    admin = open_admin(kafka_only)
    for future in admin.delete_topics([topic.name], operation_timeout=10).values():
        future.result()
    deadline = time.monotonic() + 10
    while topic.name in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ensure_topics(kafka_only, (topic,))
    assert log_generations(kafka_only, (topic,))[topic.name] != before


def test_a_kafka_that_is_not_there_is_told_in_words(kafka_only: Settings, topic: Topic) -> None:
    nowhere = kafka_only.model_copy(update={"kafka": "127.0.0.1:1"})
    with pytest.raises(Unavailable, match="does not answer"):
        LogTail(nowhere, {topic: 0}, timeout_s=1)
