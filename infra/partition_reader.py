"""Reads a fixed set of partitions from given offsets: what a flow's source needs of Kafka, and nothing else."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition

from infra.errors import PacelineError, Unavailable
from infra.kafka import ClusterAsker, ends, firsts_since, open_consumer
from infra.settings import Settings
from infra.telemetry.logs import logger
from schemas.topics import Topic

log = logger(__name__)
Place = tuple[str, int]
"""Topic and partition."""
POLL_S = 0.005
error_of = Message.error
GATHERING = {"queued.min.messages": 1, "fetch.queue.backoff.ms": 100, "fetch.message.max.bytes": 4 * 1_048_576}
"""A partition of which anything waits for the caller is asked for more ten times a second only. By itself the client asks again
whenever anything came: most of what a reader costs the broker. It asks for more at once, so that a backlog is read as fast as
otherwise."""
CUT_OFF = {
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}
"""Errors after which waiting does not help; all others librdkafka mends by itself."""


class PartitionReader:
    """One consumer over `places`. Nobody else reads them for the caller: there is no group, offsets are the caller's.

    Who `gathers` is in no hurry, and reads seldom and much.
    """

    def __init__(self, settings: Settings, places: Iterable[Place], *, gathers: bool = False) -> None:
        self.places = tuple(places)
        self._consumer = open_consumer(settings, **(GATHERING if gathers else {}))

    def ends(self) -> dict[Place, tuple[int, int]]:
        """First and next offset of every place, asked of the broker."""
        try:
            return {place: ends(self._consumer, *place) for place in self.places}
        except KafkaException as failure:
            raise Unavailable(f"Kafka did not name the ends of {self.places[0][0]}: {failure}", "Is it running?") from failure

    def end(self, place: Place) -> int:
        """The next offset of a place as the last answer to a fetch told it; -1 before the first."""
        found = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return max(int(found[1]), -1) if found else -1

    def start(self, offsets: Mapping[Place, int]) -> None:
        """Read from these offsets on."""
        self._consumer.assign([TopicPartition(*place, offsets.get(place, OFFSET_BEGINNING)) for place in self.places])

    def read(self, most: int, wait_s: float = 0) -> list[Message]:
        """What has arrived, at most `most`. When nothing has, waits so long for the first; else, and by default, never.

        Raises PacelineError when a partition cannot be read on from where it stands.
        """
        first = self._consumer.poll(wait_s) if wait_s else None  # `consume` would wait until it has `most`
        if wait_s and first is None:
            return []
        found = self._consumer.consume(most, 0) if first is None else [first, *self._consumer.consume(most - 1, 0)]
        if not any(map(error_of, found)):
            return found
        for message in found:
            self._judge(message)
        return [message for message in found if message.error() is None]

    def reached(self) -> dict[Place, int]:
        """The next offset after what `read` has returned, of every place of which it has returned anything."""
        found = self._consumer.position([TopicPartition(*place) for place in self.places])
        return {(str(part.topic), int(part.partition)): int(part.offset) for part in found if part.offset >= 0}

    def history(self, since_ms: int, patience_s: float = 30) -> Iterator[Message]:
        """Every message stamped at `since_ms` or later, up to the ends that the places have now.

        Raises Unavailable when the broker stops answering for `patience_s`.
        """
        highs = {place: high for place, (low, high) in self.ends().items() if high > low}
        try:
            firsts = firsts_since(self._consumer, highs, since_ms, patience_s)
        except KafkaException as failure:
            raise Unavailable(f"Kafka did not name the offsets of a time: {failure}", "Is it running?") from failure
        starts = [
            TopicPartition(*place, first) for place, first in firsts.items() if first is not None and first < highs[place]
        ]
        self._consumer.assign(starts)
        left = {(start.topic, start.partition) for start in starts}
        waited_s = 0.0
        while left:
            messages = self.read(2_000)
            for message in messages:
                yield message
                place = (str(message.topic()), int(message.partition() or 0))
                if int(message.offset() or 0) + 1 >= highs[place]:
                    left.discard(place)
            waited_s = 0 if messages else waited_s + POLL_S
            if waited_s > patience_s:
                raise Unavailable(f"Topic {starts[0].topic} could not be read to its end", "Is Kafka running?")
            if not messages:
                time.sleep(POLL_S)  # `consume` would hold back what came until it has all it was asked for

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _judge(self, message: Message) -> None:
        fault = message.error()
        if fault is None:
            return
        if fault.fatal() or fault.code() in CUT_OFF:
            raise PacelineError(
                f"Partition {message.topic()}:{message.partition()} cannot be read on: {fault}",
                "Its topic was made anew, or what comes next was deleted by retention.",
            )
        log.warning("kafka_read_disturbed", fault=str(fault), topic=message.topic(), partition=message.partition())


def wait_for_topics(settings: Settings, topics: Iterable[Topic], stopped: Callable[[], bool]) -> bool:
    """Wait until all topics exist with their partition counts; says so in the log. False when `stopped` became true first."""
    wanted = tuple(topics)
    asker = ClusterAsker(settings)
    told_s = 0.0
    while not stopped():
        try:
            present = asker.ask(timeout_s=1).topics
        except Unavailable as failure:
            missing = [f"({failure.problem}. {failure.remedy})"]
        else:
            missing = [topic.name for topic in wanted if topic.name not in present]
            _check_counts([topic for topic in wanted if topic.name in present], present)
        if not missing:
            return True
        if time.monotonic() - told_s > 10:
            log.warning("waiting_for_topics", missing=missing, remedy="`paceline migrate` makes them")
            told_s = time.monotonic()
        time.sleep(0.2)  # nothing tells when somebody has made them
    return False


def _check_counts(topics: list[Topic], present: Mapping[str, object]) -> None:
    for topic in topics:
        count = len(getattr(present[topic.name], "partitions", ()))
        if count != topic.partitions:
            raise PacelineError(
                f"Topic {topic.name} has {count} partitions, not {topic.partitions}",
                "Partition counts stay fixed for the life of a log: make the topic anew, or correct schemas/topics.py.",
            )
