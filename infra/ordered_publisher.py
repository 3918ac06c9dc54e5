"""Publishing in order and all or nothing: every message before one that was acknowledged is acknowledged too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.errors import Unavailable
from infra.kafka import open_producer
from infra.settings import Settings

HOPELESS = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD})
"""Faults of the message itself: trying again cannot help."""


def is_hopeless(fault: object) -> bool:
    """Whether a message's fault is its own."""
    return isinstance(fault, KafkaError) and fault.code() in HOPELESS


def refusal(failure: Exception) -> KafkaError | None:
    """Why the client itself did not take a message, when that is the message's own fault."""
    fault = failure.args[0] if isinstance(failure, KafkaException) else None
    return fault if isinstance(fault, KafkaError) and is_hopeless(fault) else None


@dataclass(frozen=True)
class Outgoing:
    """One message, ready to go. `event_id` travels as a header, by which readers drop what they had before."""

    topic: str
    key: bytes
    value: bytes
    event_id: str


class OrderedPublisher:
    """One idempotent producer that never gives up by itself; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def publish(self, messages: Sequence[Outgoing], go_on: Callable[[], bool]) -> list[str | None]:
        """Wait until Kafka has every message; the answer names, for each, the fault for which it can never be taken.

        Raises Unavailable when `go_on` says to give up, or when the producer had to be abandoned. Some messages may then
        have arrived, always the first ones of their partition, so all may be published again in the same order.
        """
        faults: list[str | None] = [None] * len(messages)
        broken: list[str] = []
        producer = self._producer or self._open()
        for index, message in enumerate(messages):

            def settled(error: KafkaError | None, _message: Message, index: int = index) -> None:
                if error is None:
                    return
                if is_hopeless(error):
                    faults[index] = str(error)
                else:
                    broken.append(str(error))

            try:
                producer.produce(
                    message.topic,
                    key=message.key,
                    value=message.value,
                    headers={"event_id": message.event_id.encode()},
                    on_delivery=settled,
                )
            except KafkaException as failure:
                settled(failure.args[0], None, index)  # type: ignore[arg-type] # the message is not looked at
        while producer.flush(0.2) and not broken:
            if not go_on():
                broken.append("given up")
        if broken:
            self.close()
            raise Unavailable(f"Kafka did not take every message: {broken[0]}", "They are tried again.")
        return faults

    def answers(self, timeout_s: float = 1.0) -> bool:
        """Whether the broker tells its topics now."""
        try:
            (self._producer or self._open()).list_topics(timeout=timeout_s)
        except KafkaException:
            return False
        return True

    def close(self) -> None:
        """Drop what is not acknowledged and leave."""
        if self._producer:
            self._producer.purge()
            self._producer.flush(1)
        self._producer = None

    def _open(self) -> Producer:
        self._producer = open_producer(self._settings, linger_ms=1, **{"delivery.timeout.ms": 0})
        return self._producer
