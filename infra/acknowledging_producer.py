"""An idempotent producer for asyncio: batches go out at once, and each says when Kafka has acknowledged the whole of it."""

import asyncio
import threading
from collections.abc import Hashable, Iterable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.kafka import open_producer
from infra.settings import Settings
from infra.telemetry.logs import logger

log = logger(__name__)
GIVE_UP_MS = 120_000
"""A message that Kafka has not taken by then counts as failed; its sender has long been told to try again."""


class Sending:
    """One batch on its way. `settled` is done when every message was acknowledged or has failed; `faults` is then complete."""

    __slots__ = ("_left", "_lock", "_loop", "faults", "settled")

    def __init__(self, count: int) -> None:
        self.faults: dict[Hashable, str] = {}
        """Why messages failed, by the names that `send` was given."""
        self._loop = asyncio.get_running_loop()
        self.settled: asyncio.Future[None] = self._loop.create_future()
        self._left = count
        self._lock = threading.Lock()

    def delivered(self, name: Hashable, error: KafkaError | None, _message: Message | None) -> None:
        """Take one message's report; on any thread."""
        if error is not None:
            self.faults[name] = str(error)
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)


class AcknowledgingProducer:
    """One producer and the thread that hears its delivery reports. `send` belongs to the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fatal = False
        self._stop = threading.Event()
        self._producer = self._open()
        self._thread = threading.Thread(target=self._listen, name="delivery-reports", daemon=True)
        self._thread.start()

    def send(self, topic: str, messages: Sequence[tuple[Hashable, bytes, bytes]]) -> Sending:
        """Hand messages (name, key, value) to Kafka, in order; returns before any is acknowledged."""
        if self._fatal:
            self._replace()
        sending = Sending(len(messages))
        produce = self._producer.produce
        for name, key, value in messages:
            report = partial(sending.delivered, name)
            try:
                produce(topic, value, key, on_delivery=report)
            except BufferError:
                report(KafkaError(KafkaError._QUEUE_FULL), None)
            except KafkaException as failure:
                report(failure.args[0], None)
        return sending

    def answers(self, topics: Iterable[str], timeout_s: float = 2) -> bool:
        """Whether Kafka tells its topics now and has these; blocks."""
        try:
            present = self._producer.list_topics(timeout=timeout_s).topics
        except KafkaException:
            return False
        return set(topics) <= set(present)

    def close(self, patience_s: float = 10) -> None:
        """Wait for what is on its way, then leave; what is still unacknowledged fails."""
        self._producer.flush(patience_s)
        self._producer.purge()
        self._producer.flush(1)
        self._stop.set()
        self._thread.join(timeout=2)

    def _open(self) -> Producer:
        more: dict[str, Any] = {"delivery.timeout.ms": GIVE_UP_MS, "error_cb": self._hear_fault}
        return open_producer(self._settings, linger_ms=2, **more)

    def _hear_fault(self, error: KafkaError) -> None:
        log.warning("producer_fault", fault=str(error), fatal=error.fatal())
        self._fatal = self._fatal or error.fatal()

    def _replace(self) -> None:
        """After a fatal fault of idempotence the client is of no more use: what it holds fails, a new one goes on."""
        log.error("producer_replaced")
        former, self._producer, self._fatal = self._producer, self._open(), False
        former.purge()
        former.flush(1)

    def _listen(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.2)
