"""What a flow's source reads, and how far it then stands."""

import pytest

from infra.kafka import ensure_topics, open_producer
from infra.partition_reader import PartitionReader
from infra.settings import Settings
from schemas.topics import DAY_MS, Topic
from tests.running import wait_until

pytestmark = pytest.mark.servers
TOPICS = tuple(Topic(f"read-{name}", "for a test", "any", 3, DAY_MS) for name in ("dense", "sparse"))


@pytest.mark.parametrize("gathers", [False, True])
def test_a_reader_knows_how_far_it_has_read_every_partition(kafka_only: Settings, gathers: bool) -> None:
    ensure_topics(kafka_only, TOPICS)
    reader = PartitionReader(
        kafka_only, [(topic.name, partition) for topic in TOPICS for partition in range(3)], gathers=gathers
    )
    begins = {place: high for place, (_low, high) in reader.ends().items()}
    producer = open_producer(kafka_only)
    for at in range(300):
        producer.produce(TOPICS[at % 7 == 0].name, b"x" * (at % 5 + 1), key=b"", partition=at % 2)
    assert producer.flush(30) == 0
    producer.close()
    reader.start(begins)
    assert reader.reached() == {}
    seen: dict[tuple[str, int], int] = {}
    read = 0

    def read_on() -> bool:
        nonlocal read
        messages = reader.read(37)
        read += len(messages)
        seen.update({(str(m.topic()), int(m.partition() or 0)): int(m.offset() or 0) + 1 for m in messages})
        assert reader.reached() == seen
        return read == 300

    wait_until(read_on, "all of them")
    assert reader.read(10) == []
    reader.close()


def test_a_reader_that_may_wait_is_woken_by_the_first_message_and_counts_it(kafka_only: Settings) -> None:
    ensure_topics(kafka_only, TOPICS)
    place = (TOPICS[0].name, 2)
    reader = PartitionReader(kafka_only, [place])
    (_low, high) = reader.ends()[place]
    reader.start({place: high})
    assert reader.read(10, 0.01) == []
    producer = open_producer(kafka_only)
    for value in (b"", b"second", b"third"):  # an empty message is false
        producer.produce(place[0], value, key=b"", partition=place[1])
    assert producer.flush(30) == 0
    producer.close()
    seen: list[bytes | None] = []

    def all_came() -> bool:
        found = reader.read(10, 30)
        seen.extend(message.value() for message in found)
        assert found
        assert reader.reached() == {place: high + len(seen)}
        return len(seen) == 3

    wait_until(all_came, "three messages")
    assert seen == [b"", b"second", b"third"]
    reader.close()
