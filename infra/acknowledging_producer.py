"""An idempotent producer for asyncio: batches go out at once, and each says when Kafka has acknowledged the whole of it."""

import asyncio
import threading
from collections.abc import Hashable, Iterable, Sequence
from itertools import count
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.kafka import open_producer
from infra.settings import Settings
from infra.telemetry.logs import logger

log = logger(__name__)
GIVE_UP_MS = 120_000
"""A message that Kafka has not taken by then counts as failed; its sender has long been told to try again."""
LINGER_MS = 2
"""So long events wait for others that go to the broker with them; waiting longer gathered no more."""
HEAR_EVERY_S = 0.002
"""How often it is asked for delivery reports while some are awaited, and otherwise:"""
IDLE_S = 0.2
Outgoing = tuple[Hashable, bytes, bytes]
"""Name, partition key and value of a message; no two of a batch have the same value."""


class Sending:
    """One batch on its way. `settled` is done when every message was acknowledged or has failed; `faults` is then complete."""

    __slots__ = ("_count", "_loop", "_messages", "_names", "_reports", "_thread", "faults", "settled")

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self.faults: dict[Hashable, str] = {}
        """Why messages failed, by the names that `send` was given."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.settled: asyncio.Future[None] = self._loop.create_future()
        self._messages: Sequence[Outgoing] = messages
        self._names: dict[bytes, Hashable] = {}
        self._count = len(messages)
        self._reports = count(1)  # counts in one step whatever thread asks, which `+= 1` does not

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """Take one message's report; on any thread. The same callable for all, since one made for each would cost as much
        as all else that is done for a message."""
        if error is not None:
            self._names = self._names or {value: name for name, _key, value in self._messages}
            self.faults[self._names[message.value() or b""]] = str(error)
        if next(self._reports) == self._count:
            self._finish()

    def refused(self, name: Hashable, why: str) -> None:
        """The client did not even take this one."""
        self.faults[name] = why
        if next(self._reports) == self._count:
            self._finish()

    def _finish(self) -> None:
        if threading.get_ident() == self._thread:
            self._settle()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._messages, self._names = (), {}
        if not self.settled.done():
            self.settled.set_result(None)


class AcknowledgingProducer:
    """One producer of an event loop, on which its delivery reports are heard too: no thread has to be waited for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fatal = False
        self._closing = False
        self._producer = self._open()
        self._loop = asyncio.get_running_loop()
        self._idle = True
        self._next_hearing = self._loop.call_later(IDLE_S, self._hear)

    def send(self, topic: str, messages: Sequence[Outgoing]) -> Sending:
        """Hand messages to Kafka, in order; returns before any is acknowledged."""
        if self._fatal:
            self._replace()
        sending = Sending(messages)
        batch: list[dict[str, Any]] = [{"value": value, "key": key} for _name, key, value in messages]
        taken = self._producer.produce_batch(topic, batch, on_delivery=sending.delivered)
        if taken < len(batch):
            self._tell_refused(sending, messages, batch)
        if self._idle and not self._closing:
            self._next_hearing.cancel()
            self._hear_again_soon()
        return sending

    def answers(self, topics: Iterable[str], timeout_s: float = 2) -> bool:
        """Whether Kafka tells its topics now and has these; blocks."""
        try:
            present = self._producer.list_topics(timeout=timeout_s).topics
        except KafkaException:
            return False
        return set(topics) <= set(present)

    def close(self, patience_s: float = 10) -> None:
        """Wait for what is on its way, then leave; what is still unacknowledged fails. On any thread."""
        self._closing = True
        self._producer.flush(patience_s)
        self._producer.purge()
        self._producer.flush(1)

    def _open(self) -> Producer:
        more: dict[str, Any] = {"delivery.timeout.ms": GIVE_UP_MS, "error_cb": self._hear_fault}
        return open_producer(self._settings, linger_ms=LINGER_MS, **more)

    @staticmethod
    def _tell_refused(sending: Sending, messages: Sequence[Outgoing], batch: Sequence[dict[str, Any]]) -> None:
        """The client leaves its reason in what it was handed."""
        for (name, _key, _value), handed in zip(messages, batch, strict=True):
            if "_error" in handed:
                sending.refused(name, str(handed["_error"]))

    def _hear_fault(self, error: KafkaError) -> None:
        log.warning("producer_fault", fault=str(error), fatal=error.fatal())
        self._fatal = self._fatal or error.fatal()

    def _replace(self) -> None:
        """After a fatal fault of idempotence the client is of no more use: what it holds fails, a new one goes on."""
        log.error("producer_replaced")
        former, self._producer, self._fatal = self._producer, self._open(), False
        former.purge()
        former.flush(1)

    def _hear(self) -> None:
        """Take the reports that have come, and come again: soon while more are awaited."""
        if self._closing:
            return
        try:
            self._producer.poll(0)
        finally:  # whatever a report brings, the next ones must be heard
            if len(self._producer):
                self._hear_again_soon()
            else:
                self._idle = True
                self._next_hearing = self._loop.call_later(IDLE_S, self._hear)

    def _hear_again_soon(self) -> None:
        self._idle = False
        self._next_hearing = self._loop.call_later(HEAR_EVERY_S, self._hear)
