"""Bytewax sink: messages onto topics; a checkpoint waits until Kafka has acknowledged every one."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from infra.errors import Unavailable
from infra.ordered_publisher import is_hopeless, refusal
from infra.telemetry.logs import logger
from infra.telemetry.metrics import FLOW_MESSAGES_REFUSED
from pipelines.messages import Publish

log = logger(__name__)


class Producer(Protocol):
    """What the sink needs of the producer that `infra.kafka.open_producer` makes."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None: ...

    def poll(self, timeout: float) -> int: ...

    def flush(self, timeout: float) -> int: ...


@dataclass(frozen=True)
class TopicSink(FixedPartitionedSink[Publish, None]):
    """Messages of one group, in order; one that Kafka did not take stops the flow, which then repeats the epoch.

    But one that Kafka can never take, as too large, is passed over: it would stop the flow at every repetition.
    """

    name: str
    open_producer: Callable[[], Producer]
    stop: Event

    def list_parts(self) -> list[str]:
        return [self.name]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "TopicPart":
        del step_id, for_part, resume_state
        return TopicPart(self.open_producer(), self.stop)


FLUSH_S = 4.0
"""How long a stop waits for a Kafka that does not answer; a checkpoint waits as often as it must."""


class TopicPart(StatefulSinkPartition[Publish, None]):
    """The only part of a group's topic sink."""

    def __init__(self, producer: Producer, stop: Event) -> None:
        self._producer = producer
        self._stop = stop
        self._fault: object = None

    def write_batch(self, values: list[Publish]) -> None:
        for message in values:
            self._produce(message)
        self._producer.poll(0)
        self._check()

    def snapshot(self) -> None:
        while self._producer.flush(FLUSH_S):
            self._check()
            if self._stop.is_set():
                raise Unavailable("Stopped while Kafka is away", "The last messages are made again after the next start.")
        self._check()

    def close(self) -> None:
        self._producer.flush(FLUSH_S)

    def _produce(self, message: Publish) -> None:
        while True:
            try:
                self._producer.produce(message.topic, message.value, message.key, on_delivery=self._delivered)
            except BufferError:  # the client's queue is full: Kafka holds the flow back
                self._producer.poll(0.1)
                self._check()
            except Exception as failure:
                fault = refusal(failure)
                if fault is None:
                    raise
                _pass_over(message.topic, fault)
                return
            else:
                return

    def _delivered(self, fault: object, message: Any) -> None:
        if is_hopeless(fault):
            _pass_over(message.topic(), fault)
        elif fault is not None:
            self._fault = fault

    def _check(self) -> None:
        if self._fault is not None:
            raise Unavailable(f"Kafka did not take a message: {self._fault}", "The flow repeats it after a restart.")


def _pass_over(topic: str, fault: object) -> None:
    FLOW_MESSAGES_REFUSED.labels(topic).inc()
    log.error("message_refused_by_kafka", topic=topic, fault=str(fault))
