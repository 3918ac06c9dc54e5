"""The transactional outbox: what a transaction owes to Kafka is written with it, published after it, in order, at least once.

Order per key holds because whoever writes for a session or a user holds that row's lock. A message that was published and not
yet marked when the relay died is published again; readers know it by its `event_id`.
"""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.directory.models import OutboxRow
from infra.clock import Clock
from infra.errors import Unavailable
from infra.ordered_publisher import OrderedPublisher, Outgoing
from infra.postgres import open_connection
from infra.settings import Settings
from infra.telemetry import metrics
from infra.telemetry.logs import logger
from schemas.directory import DirectoryRecord, directory_key
from schemas.events import AppEvent
from schemas.messages import LiveMessage
from schemas.topics import APP_EVENTS, DIRECTORY, LIVE_MESSAGES, session_key

log = logger(__name__)
CHANNEL = "paceline_outbox"
LEADER_LOCK = 7_213_551_001
BATCH = 500
POLL_S = 0.25
KEEP_PUBLISHED_MS = 3_600_000
PURGE_EVERY_MS = 60_000
WAITING = "SELECT id, topic, key, value, event_id FROM outbox WHERE published_at IS NULL AND fault IS NULL ORDER BY id LIMIT %s"
MARK = (
    "UPDATE outbox SET published_at = CASE WHEN told.fault IS NULL THEN to_timestamp(%s / 1000.0) END, fault = told.fault"
    " FROM unnest(%s::bigint[], %s::text[]) AS told (id, fault) WHERE outbox.id = told.id"
)
PURGE = "DELETE FROM outbox WHERE published_at < to_timestamp(%s / 1000.0)"


def owe_record(db: Session, record: DirectoryRecord, event_id: str, now_ms: int) -> None:
    """Publish a directory record when this transaction commits."""
    value = msgspec.json.encode(record)
    _owe(db, Outgoing(DIRECTORY.name, directory_key(record), value, event_id), now_ms)


def owe_event(db: Session, event: AppEvent) -> None:
    """Publish an app event when this transaction commits."""
    received_ms = event.received_time_ms or event.event_time_ms
    value = msgspec.json.encode(event)
    _owe(db, Outgoing(APP_EVENTS.name, session_key(event.session_id), value, event.event_id), received_ms)


def owe_message(db: Session, message: LiveMessage) -> None:
    """Publish a message to people when this transaction commits."""
    value = msgspec.json.encode(message)
    _owe(db, Outgoing(LIVE_MESSAGES.name, session_key(message.session_id), value, message.message_id), message.sent_at_ms)


def _owe(db: Session, message: Outgoing, now_ms: int) -> None:
    db.add(OutboxRow(**asdict(message), created_at_ms=now_ms))
    db.flush()
    db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def turns(messages: Sequence[Outgoing]) -> list[list[Outgoing]]:
    """What may be on its way to Kafka together: messages of one topic.

    So a session's record is in `directory` before the first event that names it is in `app-events`.
    """
    return [list(run) for _topic, run in groupby(messages, key=attrgetter("topic"))]


class Relay:
    """Publishes the outbox on a thread of its own. Of several processes one leads: the one that holds the advisory lock."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._publisher = OrderedPublisher(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._purged_at_ms = 0

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> bool:
        """Whether somebody sees to what is owed."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish the batch in hand, give up the lead and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with open_connection(self._settings) as connection:
                    self.lead(connection)
            except (psycopg.Error, Unavailable) as failure:
                log.warning("outbox_waits", failure=str(failure).strip())
                self._stop.wait(0.5)
            except Exception:  # whatever it was, what is owed must still be published
                log.exception("outbox_failed")
                self._stop.wait(2)
        self._publisher.close()

    def lead(self, connection: psycopg.Connection) -> None:
        """Become the leader, then publish until stopped. The lock, the reading and the marking share one connection."""
        while connection.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone() != (True,):
            if self._stop.wait(1):
                return
        connection.execute(f"LISTEN {CHANNEL}")
        while not self._stop.is_set():
            if self.publish_waiting(connection) < BATCH:
                self._purge(connection)
                for _wake in connection.notifies(timeout=POLL_S, stop_after=1):
                    pass

    def publish_waiting(self, connection: psycopg.Connection) -> int:
        """Publish one batch and mark it; returns how many rows it held."""
        rows = connection.execute(WAITING, [BATCH]).fetchall()
        metrics.OUTBOX_WAITING.set(len(rows))
        ids = [row[0] for row in rows]
        messages = [Outgoing(topic, bytes(key), bytes(value), event_id) for _id, topic, key, value, event_id in rows]
        faults: list[str | None] = []
        for turn in turns(messages):
            faults += self._publisher.publish(turn, lambda: self._still_leads(connection))
            metrics.OUTBOX_PUBLISHED.labels(turn[0].topic).inc(len(turn))
        if rows:
            self.mark(connection, ids, faults)
        return len(rows)

    def mark(self, connection: psycopg.Connection, ids: list[int], faults: list[str | None]) -> None:
        """Note what was published, and set aside what Kafka can never take."""
        connection.execute(MARK, [self._clock(), ids, faults])
        for row_id, fault in zip(ids, faults, strict=True):
            if fault:
                log.error("outbox_row_refused", row=row_id, fault=fault)
                metrics.OUTBOX_REFUSED.inc()
        metrics.OUTBOX_WAITING.set(0)

    def _still_leads(self, connection: psycopg.Connection) -> bool:
        connection.execute("SELECT 1")
        return not self._stop.is_set()

    def _purge(self, connection: psycopg.Connection) -> None:
        now_ms = self._clock()
        if now_ms - self._purged_at_ms >= PURGE_EVERY_MS:
            self._purged_at_ms = now_ms
            connection.execute(PURGE, [now_ms - KEEP_PUBLISHED_MS])
