"""Kafka clients, made in one way from the settings, and the topics."""

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, NewTopic  # type: ignore[attr-defined]  # its stubs do not export them

from infra.errors import PacelineError, Unavailable
from infra.settings import Settings
from schemas.topics import TOPICS, Topic

PASSING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError._UNKNOWN_PARTITION,  # a broker that was away a moment names its partitions only when it is back in its place
    KafkaError._DESTROY_BROKER,  # the broker that was asked has left the cluster's list meanwhile
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.OFFSET_NOT_AVAILABLE,  # a new leader that does not know yet how far its partition is replicated
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
}
"""Answers while a broker goes or comes."""


SSL_ALERT = "SSL alert"
"""What a broker says that does not like our certificate, or misses it."""
GROUP = "paceline-unused"
"""librdkafka asks the brokers for the group's coordinator though nobody ever joins it."""
FIRST_PATIENCE_S = 0.5
Client = TypeVar("Client")

REPLICAS_TO_SPARE = 3
"""With fewer, two that must have each message would let one broker's absence stop everything."""


def client_config(settings: Settings) -> dict[str, Any]:
    """Address, TLS and SASL in librdkafka's words."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_address,
        "security.protocol": settings.kafka_security_protocol,
        "client.id": "paceline",
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
        "topic.metadata.refresh.interval.ms": 30_000,
        "logger": logging.getLogger("librdkafka"),  # else it writes to standard error by itself, past our structured logs
    }
    optional = {
        "sasl.mechanism": settings.kafka_sasl_mechanism,
        "sasl.username": settings.kafka_sasl_username,
        "sasl.password": settings.kafka_sasl_password.get_secret_value(),
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_certificate_file,
        "ssl.key.location": settings.kafka_key_file,
    }
    return config | {name: str(value) for name, value in optional.items() if value}


def demand_listening(settings: Settings) -> None:
    """For commands: say at once that the embedded Kafka does not run, where clients would wait for it to come.

    A cluster with an address is waited for. Raises Unavailable.
    """
    if settings.kafka:
        return
    try:
        socket.create_connection(("127.0.0.1", settings.kafka_port), FIRST_PATIENCE_S).close()
    except OSError:
        raise Unavailable(
            f"Kafka at {settings.kafka_address} does not answer: nothing listens there",
            "`paceline up` starts the embedded one.",
        ) from None


def open_producer(settings: Settings, *, linger_ms: float = 5, **more: Any) -> Producer:
    """An idempotent producer that waits for all replicas. Partitions by murmur2, as Kafka's own clients do."""
    return _made(
        Producer,
        client_config(settings)
        | {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": linger_ms,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 200_000,
            "message.max.bytes": 4 * 1_048_576,
        }
        | more,
    )


def open_consumer(settings: Settings, **more: Any) -> Consumer:
    """A consumer without a group: the caller assigns partitions and keeps its own offsets."""
    return _made(
        Consumer,
        client_config(settings)
        | {
            "group.id": GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 2,
            "queued.min.messages": 20_000,
            "enable.partition.eof": False,
        }
        | more,
    )


def open_admin(settings: Settings, **more: Any) -> AdminClient:
    """Keep the returned client in a variable: a temporary dies before its futures resolve."""
    # nobody polls it for long, so its log lines would only pile up
    return _made(AdminClient, client_config(settings) | {"log_level": 0} | more)


def _made(kind: Callable[[dict[str, Any]], Client], config: dict[str, Any]) -> Client:
    try:
        return kind(config)
    except KafkaException as refused:
        problem = f"A Kafka client cannot be made from the settings: {refused.args[0].str()}"
        raise PacelineError(problem, "Look at PACELINE_KAFKA_… in `paceline settings`.") from None


def ensure_topics(settings: Settings, topics: tuple[Topic, ...] = TOPICS, timeout_s: float = 30) -> list[str]:
    """Make the topics that are missing; returns their names. Existing ones are left as they are.

    Raises Unavailable when Kafka does not answer, PacelineError when it refuses to make one.
    """
    asker = ClusterAsker(settings)
    present = asker.ask(timeout_s).topics
    missing = [topic for topic in topics if topic.name not in present]
    if not missing:
        return []
    futures = asker.admin.create_topics(
        [NewTopic(t.name, t.partitions, settings.kafka_replication, config=topic_config(t, settings)) for t in missing],
        operation_timeout=timeout_s,
    )
    for name, future in futures.items():
        try:
            future.result()
        except KafkaException as failure:
            if failure.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                problem = f"Kafka at {settings.kafka_address} did not make the topic {name}: {failure.args[0].str()}"
                raise PacelineError(problem, _remedy(failure.args[0])) from None
    return [topic.name for topic in missing]


def topic_config(topic: Topic, settings: Settings) -> dict[str, str]:
    """The topic's own settings, and how many replicas must have a message before it counts as acknowledged by all.

    Left to the broker's default, "all" may be the last one, with which the message is lost.
    """
    needed = 2 if settings.kafka_replication >= REPLICAS_TO_SPARE else 1
    return topic.config() | {"min.insync.replicas": str(needed)}


def cluster_id(settings: Settings, timeout_s: float = 30) -> str:
    """The id that names this log's life: recovery folders lie under it. Raises Unavailable when Kafka does not answer."""
    return str(ClusterAsker(settings).ask(timeout_s).cluster_id)


class ClusterAsker:
    """Asks the brokers what they have; when they do not answer, it tells why in their own words."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka_address
        self._heard: KafkaError | None = None
        self.admin = open_admin(settings, error_cb=self._hear)

    def ask(self, timeout_s: float) -> ClusterMetadata:
        """Topics and the cluster's id.

        Raises Unavailable after the time, or as soon as the brokers have refused us in a way that waiting does not mend.
        """
        deadline, patience_s = time.monotonic() + timeout_s, FIRST_PATIENCE_S
        while True:
            left_s = max(deadline - time.monotonic(), 0.1)
            try:
                return self.admin.list_topics(timeout=min(patience_s, left_s))
            except KafkaException as failure:
                self.admin.poll(0)  # hands out what was heard meanwhile
                why = self._heard or failure.args[0]
                if _is_refusal(why) or time.monotonic() >= deadline:
                    raise Unavailable(f"Kafka at {self._address} does not answer: {why.str()}", _remedy(why)) from None
                patience_s *= 2

    def _hear(self, error: KafkaError) -> None:
        """A refusal says more than that nobody was reached."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN and not (self._heard and _is_refusal(self._heard)):
            self._heard = error


def _is_refusal(why: KafkaError) -> bool:
    return why.code() in {KafkaError._AUTHENTICATION, KafkaError._SSL} or SSL_ALERT in why.str()


def _remedy(why: KafkaError) -> str:
    if SSL_ALERT in why.str():
        return "It wants a certificate that it trusts: check PACELINE_KAFKA_CERTIFICATE_FILE and PACELINE_KAFKA_KEY_FILE."
    rights = "Give PACELINE_KAFKA_SASL_USERNAME the rights that docs/addresses.md lists."
    remedies = {
        KafkaError._AUTHENTICATION: "Check PACELINE_KAFKA_SASL_USERNAME, …_PASSWORD and …_MECHANISM.",
        KafkaError._SSL: "Set PACELINE_KAFKA_CA_FILE to who signed its certificate, and name the host as that does.",
        KafkaError._RESOLVE: "Check the host names in PACELINE_KAFKA.",
        KafkaError.INVALID_REPLICATION_FACTOR: "PACELINE_KAFKA_REPLICATION can be at most the number of brokers.",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: rights,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: rights,
    }
    running = "Is it running, and does its listener speak what PACELINE_KAFKA_SECURITY_PROTOCOL says?"
    return remedies.get(why.code(), running)


def ends(consumer: Consumer, topic: str, partition: int, timeout_s: float = 10) -> tuple[int, int]:
    """First and next offset of a partition. One that was just made or moved, or has lost its broker, is asked again.

    The client is told to ask for the topic anew: by itself it believes for half a minute what a broker said that had just
    come back.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout_s, cached=False)
        except KafkaException as failure:
            if failure.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # nothing tells when a leader is there
            with suppress(KafkaException):
                consumer.list_topics(topic, timeout=max(0.1, deadline - time.monotonic()))
        else:
            return int(low), int(high)


def firsts_since(
    consumer: Consumer, places: Iterable[tuple[str, int]], at_ms: int, timeout_s: float
) -> dict[tuple[str, int], int | None]:
    """Of each topic and partition the first offset stamped at `at_ms` or later; None where there is no such message.

    The client answers although single partitions have no leader, with an error in their place: these are asked again.

    Raises KafkaException when the broker does not answer, or for an error that lasts.
    """
    deadline = time.monotonic() + timeout_s
    found: dict[tuple[str, int], int | None] = {}
    left = [TopicPartition(*place, at_ms) for place in places]
    while left:
        told = consumer.offsets_for_times(left, timeout=timeout_s)
        failed = [one for one in told if one.error]
        waits = time.monotonic() < deadline
        lasting = [one for one in failed if not waits or (one.error and one.error.code() not in PASSING)]
        if lasting:
            raise KafkaException(lasting[0].error)
        told = [one for one in told if not one.error]
        found |= {(str(one.topic), int(one.partition)): one.offset if one.offset >= 0 else None for one in told}
        left = [TopicPartition(one.topic, one.partition, at_ms) for one in failed]
        if left:
            time.sleep(0.05)  # as in `ends`
    return found


def read_to_end(consumer: Consumer, topic: Topic, *, from_start: bool = True, patience_s: float = 30) -> Iterator[Message]:
    """Every message of a topic to the end it has when this begins: from its first, or from where the consumer stands.

    The consumer stays assigned behind the last.

    Raises Unavailable when the broker does not answer, or stops answering for `patience_s`.
    """
    try:
        highs = {p: ends(consumer, topic.name, p, patience_s) for p in range(topic.partitions)}
    except KafkaException as failure:
        raise Unavailable(f"Kafka did not name the ends of {topic.name}: {failure}", "Is it running?") from failure
    if from_start:
        consumer.assign([TopicPartition(topic.name, p, low) for p, (low, _high) in highs.items()])
    open_partitions = {p for p, (low, high) in highs.items() if high > low}
    while open_partitions:
        messages = consumer.consume(2_000, timeout=0.1)
        if not messages:
            positions = consumer.position([TopicPartition(topic.name, p) for p in open_partitions])
            open_partitions -= {tp.partition for tp in positions if tp.offset >= highs[tp.partition][1]}
            patience_s -= 0.1
            if patience_s <= 0:
                raise Unavailable(f"Topic {topic.name} could not be read to its end", "Is Kafka running?")
        for message in messages:
            if message.error() is None:
                yield message
                if (message.offset() or 0) + 1 >= highs[message.partition() or 0][1]:
                    open_partitions.discard(message.partition() or 0)
