"""Where partitions end, and where a time begins in them, asked while brokers come and go."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from infra.kafka import ends, firsts_since


class Cluster:
    """Answers as a client whose brokers are away for a while: one error a question, then the offsets."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.asked_anew = 0

    def get_watermark_offsets(self, *_place: object, **_how: object) -> tuple[int, int]:
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop(0)))
        return 3, 8

    def list_topics(self, *_topic: object, **_how: object) -> None:
        self.asked_anew += 1
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))


def ends_of(cluster: Cluster, timeout_s: float = 30) -> tuple[int, int]:
    consumer: Any = cluster
    return ends(consumer, "notes", 0, timeout_s)


def test_a_broker_that_goes_while_it_is_asked_is_no_answer() -> None:
    away = (
        KafkaError._DESTROY_BROKER,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    )
    cluster = Cluster(*away)
    assert ends_of(cluster) == (3, 8)
    assert cluster.asked_anew == len(away)


def test_what_waiting_does_not_mend_and_what_lasts_too_long_is_told() -> None:
    with pytest.raises(KafkaException, match="AUTHORIZATION"):
        ends_of(Cluster(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaException, match="DESTROY_BROKER"):
        ends_of(Cluster(*[KafkaError._DESTROY_BROKER] * 99), timeout_s=0.2)


class Told:
    """What the client tells of a partition: an offset, or an error in its place."""

    def __init__(self, place: TopicPartition, offset: int, error: int | None = None) -> None:
        self.topic, self.partition, self.offset = place.topic, place.partition, offset
        self.error = None if error is None else KafkaError(error)


class Clockwork:
    """Partition 0 answers at once, partition 1 has nothing so late, partition 2 has no leader for some questions."""

    def __init__(self, without_leader: int, error: int = KafkaError.NOT_LEADER_FOR_PARTITION) -> None:
        self.without_leader = without_leader
        self.error = error

    def offsets_for_times(self, asked: list[TopicPartition], **_how: object) -> list[Told]:
        assert {place.offset for place in asked} == {1_000}
        return [self._told(place) for place in asked]

    def _told(self, place: TopicPartition) -> Told:
        if place.partition != 2:
            return Told(place, 5 if place.partition == 0 else -1)
        self.without_leader -= 1
        return Told(place, 7) if self.without_leader < 0 else Told(place, -1, self.error)


def firsts_of(cluster: Clockwork, timeout_s: float) -> dict[tuple[str, int], int | None]:
    consumer: Any = cluster
    return firsts_since(consumer, [("notes", partition) for partition in range(3)], 1_000, timeout_s)


def test_a_partition_without_a_leader_is_not_taken_for_one_without_messages() -> None:
    assert firsts_of(Clockwork(3), 30) == {("notes", 0): 5, ("notes", 1): None, ("notes", 2): 7}
    with pytest.raises(KafkaException, match="NOT_LEADER"):
        firsts_of(Clockwork(99), 0.2)
    with pytest.raises(KafkaException, match="AUTHORIZATION"):
        firsts_of(Clockwork(1, KafkaError.TOPIC_AUTHORIZATION_FAILED), 30)
