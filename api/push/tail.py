"""The thread that reads the live end of the topics and hands what arrived to the event loop, a batch at a time."""

import threading
import time
from collections.abc import Callable, Iterable

from api.push.switchboard import Arrived, Missed
from infra.errors import Unavailable
from infra.log_tail import LogHole, LogRecord, LogTail
from infra.telemetry.logs import logger
from infra.telemetry.metrics import HUB_LAG_MESSAGES, HUB_UNREADABLE
from schemas.alerts import Alert, told_alert
from schemas.events import AppEvent, app_event_decoder
from schemas.live import LiveUpdate, live_decoder
from schemas.messages import LiveMessage, message_decoder
from schemas.topics import ALERTS, APP_EVENTS, LIVE, LIVE_MESSAGES
from schemas.unreadable import UNREADABLE

log = logger(__name__)
Batch = list[Arrived | Missed]
PATIENCE_S = 0.2
LAG_EVERY_S = 5.0
RETRY_S = 1.0
ASK_AFTER_S, ASK_PATIENCE_S = 3.0, 2.0
LOST_AFTER_S = 10.0
"""Without a word from Kafka for so long it counts as lost; shorter pauses, as when a leader moves, do not."""
DECODE: dict[str, Callable[[bytes], LiveUpdate | Alert | AppEvent | LiveMessage]] = {
    LIVE.name: live_decoder.decode,
    ALERTS.name: told_alert,
    APP_EVENTS.name: app_event_decoder.decode,
    LIVE_MESSAGES.name: message_decoder.decode,
}


class TailThread:
    """Runs until `stop`. `deliver` is called on this thread, once per batch; `caught_up` once, after the batch that did it.

    `alive` tells whether Kafka is heard: when the log is silent, the broker is asked whether it still answers.
    """

    def __init__(self, tail: LogTail, deliver: Callable[[Batch], None], caught_up: Callable[[], None]) -> None:
        self._tail = tail
        self._deliver = deliver
        self._caught_up = caught_up
        self._stop = threading.Event()
        self._heard_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="hub-tail", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and time.monotonic() - self._heard_at < LOST_AFTER_S

    def stop(self) -> None:
        """End the thread and leave Kafka. Blocks for as long as one read may take."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        waiting = True
        lag_told_at = 0.0
        try:
            while not self._stop.is_set():
                items = self._read()
                self._listen(items)
                if items:
                    self._deliver(list(decode(items)))
                if waiting and self._tail.caught_up:
                    waiting = False
                    self._caught_up()
                if time.monotonic() - lag_told_at > LAG_EVERY_S:
                    lag_told_at = time.monotonic()
                    self._tell_lag()
        except RuntimeError:
            if not self._stop.is_set():  # the event loop is gone without `stop`: nobody is left to deliver to
                log.exception("hub_tail_ended")
        finally:
            self._tail.close()

    def _read(self) -> list[LogRecord | LogHole]:
        try:
            return self._tail.read(PATIENCE_S)
        except Unavailable as failure:
            log.error("hub_read_failed", problem=failure.problem)
            self._stop.wait(RETRY_S)
            return []

    def _listen(self, items: list[LogRecord | LogHole]) -> None:
        if items or (time.monotonic() - self._heard_at > ASK_AFTER_S and self._tail.answers(ASK_PATIENCE_S)):
            self._heard_at = time.monotonic()

    def _tell_lag(self) -> None:
        for topic, behind in self._tail.lag().items():
            HUB_LAG_MESSAGES.labels(topic).set(behind)


def decode(items: Iterable[LogRecord | LogHole]) -> Iterable[Arrived | Missed]:
    """Messages as their types; an unreadable one is counted and still moves the position on."""
    for item in items:
        if isinstance(item, LogHole):
            yield Missed(item.topic, item.partition, item.next_offset)
            continue
        message: LiveUpdate | Alert | AppEvent | LiveMessage | None = None
        try:
            message = DECODE[item.topic](item.value)
        except UNREADABLE as fault:
            HUB_UNREADABLE.labels(item.topic).inc()
            log.error(
                "hub_message_unreadable", topic=item.topic, partition=item.partition, offset=item.offset, fault=str(fault)
            )
        yield Arrived(item.topic, item.partition, item.offset, item.at_ms, message)
