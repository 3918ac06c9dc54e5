"""Where partitions end, asked while brokers come and go."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from infra.kafka import ends


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
    away = (KafkaError._DESTROY_BROKER, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError.LEADER_NOT_AVAILABLE)
    cluster = Cluster(*away)
    assert ends_of(cluster) == (3, 8)
    assert cluster.asked_anew == len(away)


def test_what_waiting_does_not_mend_and_what_lasts_too_long_is_told() -> None:
    with pytest.raises(KafkaException, match="AUTHORIZATION"):
        ends_of(Cluster(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaException, match="DESTROY_BROKER"):
        ends_of(Cluster(*[KafkaError._DESTROY_BROKER] * 99), timeout_s=0.2)
