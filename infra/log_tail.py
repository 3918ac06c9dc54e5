"""Reading the live end of whole topics without a consumer group: from a moment in the past, through all partitions, onward."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicCollection, TopicPartition

from infra.errors import Unavailable
from infra.kafka import ClusterAsker, ends, firsts_since, open_consumer
from infra.settings import Settings
from infra.telemetry.logs import logger
from schemas.topics import Topic

log = logger(__name__)
NEW_TOPIC_PATIENCE_S = 5.0
Place = tuple[str, int]
"""A topic's name and a partition."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One message as it lies in the log. `at_ms` is the producer's time stamp."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    value: bytes


@dataclass(frozen=True, slots=True)
class LogHole:
    """The log no longer holds what came next: reading goes on at `next_offset`, what lay before it is missed."""

    topic: str
    partition: int
    next_offset: int


class LogTail:
    """All partitions of some topics, each from its first message at or after a given time.

    `first` is the offset at which each partition begins here and `end` the offset it had to when this was opened; a reader is
    caught up when it has read to `end`. Not for use by several threads. Raises Unavailable when Kafka does not answer.
    """

    def __init__(self, settings: Settings, since_ms: Mapping[Topic, int], timeout_s: float = 30) -> None:
        self._consumer = open_consumer(settings, **{"fetch.wait.max.ms": 500})
        self.first: dict[Place, int] = {}
        self.end: dict[Place, int] = {}
        try:
            for topic, at_ms in since_ms.items():
                self._locate(topic, at_ms, timeout_s)
        except KafkaException as failure:
            self._consumer.close()
            problem = f"Kafka at {settings.kafka_address} does not answer: {failure}"
            raise Unavailable(problem, "Is it running, and were its topics made (`paceline migrate`)?") from None
        self.next: dict[Place, int] = dict(self.first)
        self._consumer.assign([TopicPartition(topic, p, offset) for (topic, p), offset in self.first.items()])

    def _locate(self, topic: Topic, at_ms: int, timeout_s: float) -> None:
        """The ends are asked first: what arrives between both questions then lies behind them and is read."""
        highs = {p: ends(self._consumer, topic.name, p, timeout_s)[1] for p in range(topic.partitions)}
        places = [(topic.name, partition) for partition in highs]
        for place, first in firsts_since(self._consumer, places, max(0, at_ms), timeout_s).items():
            high = highs[place[1]]
            self.first[place] = high if first is None else min(first, high)
            self.end[place] = high

    @property
    def caught_up(self) -> bool:
        """Whether everything that the log held at the opening has been handed out."""
        return all(self.next[place] >= end for place, end in self.end.items())

    def read(self, patience_s: float, most: int = 2_000) -> list[LogRecord | LogHole]:
        """What has arrived, as soon as anything has; empty after `patience_s` of silence.

        Raises Unavailable when Kafka refuses; it may be called again.
        """
        try:
            first = self._consumer.poll(patience_s)
            if first is None:
                return []
            taken = [self._take(message) for message in (first, *self._consumer.consume(most - 1, timeout=0))]
        except KafkaException as failure:
            raise Unavailable(f"Reading from Kafka failed: {failure}", "Is it running?") from None
        return [item for item in taken if item is not None]

    def _take(self, message: Message) -> LogRecord | LogHole | None:
        fault = message.error()
        topic, partition, offset = str(message.topic()), message.partition() or 0, message.offset() or 0
        if fault is not None:
            return self._meet(fault, topic, partition)
        self.next[topic, partition] = offset + 1
        return LogRecord(topic, partition, offset, message.timestamp()[1], message.value() or b"")

    def _meet(self, fault: KafkaError, topic: str, partition: int) -> LogHole | None:
        if fault.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            low, high = ends(self._consumer, topic, partition)
            expected = self.next[topic, partition]
            resumed = low if expected < low else high
            log.error("log_hole", topic=topic, partition=partition, expected=expected, resumed=resumed)
            self.next[topic, partition] = resumed
            self._consumer.incremental_unassign([TopicPartition(topic, partition)])  # seek is refused in this state
            self._consumer.incremental_assign([TopicPartition(topic, partition, resumed)])
            return LogHole(topic, partition, resumed)
        log.warning("log_read_failed", topic=topic, partition=partition, error=str(fault))
        return None

    def answers(self, timeout_s: float) -> bool:
        """Whether a broker tells its topics to this very client within the time."""
        try:
            self._consumer.list_topics(timeout=timeout_s)
        except KafkaException:
            return False
        return True

    def lag(self) -> dict[str, int]:
        """Messages behind the log's end by topic, as far as the broker has told."""
        behind: dict[str, int] = {}
        for (topic, partition), position in self.next.items():
            _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            behind[topic] = behind.get(topic, 0) + max(0, high - position)
        return behind

    def close(self) -> None:
        self._consumer.close()


def log_generations(settings: Settings, topics: tuple[Topic, ...], timeout_s: float = 30) -> dict[str, str]:
    """By topic, what names this life of its log: cluster id and topic id. A log made anew has another generation.

    A topic that was made a moment ago is waited for.
    """
    asker = ClusterAsker(settings)
    admin: Any = asker.admin
    deadline = time.monotonic() + NEW_TOPIC_PATIENCE_S
    while True:
        try:
            cluster = asker.ask(timeout_s).cluster_id
            described = admin.describe_topics(TopicCollection([topic.name for topic in topics]), request_timeout=timeout_s)
            return {name: f"{cluster}/{future.result().topic_id}" for name, future in described.items()}
        except KafkaException as failure:
            unknown = failure.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            if not unknown or time.monotonic() > deadline:
                problem = f"Kafka at {settings.kafka_address} does not answer: {failure}"
                raise Unavailable(problem, "Is it running, and were its topics made (`paceline migrate`)?") from None
            time.sleep(0.1)  # brokers hear of a new topic one after the other, and tell nobody when
