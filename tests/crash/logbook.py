"""Reads the topics after a run: what the flows were given, what they told, and how often."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np
from confluent_kafka import Message

from infra.kafka import open_consumer, read_to_end
from infra.postgres import open_connection
from infra.settings import Settings
from schemas.alerts import Alert, alert_decoder
from schemas.directory import SessionRecord, directory_decoder
from schemas.events import AppEvent, app_event_decoder
from schemas.rejected import dead_letter_decoder
from schemas.synthetic import SYNTHETIC_SESSIONS
from schemas.topics import ALERTS, APP_EVENTS, DEAD_LETTERS, DEVICE_EVENTS, DIRECTORY, Topic, session_key

SYNTHETIC_KEYS = {session_key(session_id) for session_id in SYNTHETIC_SESSIONS}


class _Id(msgspec.Struct):
    event_id: str


_id_decoder = msgspec.json.Decoder(_Id)


@dataclass
class Logbook:
    """All of the log that a run left behind."""

    records: dict[str, list[SessionRecord]] = field(default_factory=lambda: defaultdict(list))
    app_events: dict[str, list[tuple[int, AppEvent]]] = field(default_factory=lambda: defaultdict(list))
    """Session → offset and event, as often as they were published."""
    alerts: dict[str, list[tuple[int, Alert]]] = field(default_factory=lambda: defaultdict(list))
    """Session → offset and state, as often as they were told."""
    dead_letters: list[str] = field(default_factory=list)
    device_messages: int = 0
    device_events: int = 0
    """Different ones among the messages."""

    @property
    def doubled(self) -> int:
        """Device events that stand in the log more than once."""
        return self.device_messages - self.device_events

    @property
    def states_doubled(self) -> int:
        """States of alerts that stand in the log more than once."""
        states = [(state.alert_id, state.version) for told in self.alerts.values() for _offset, state in told]
        return len(states) - len(set(states))


def is_complete(settings: Settings) -> bool:
    """Whether the API has published all that it owes."""
    with open_connection(settings) as connection:
        return connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL AND fault IS NULL").fetchone() == (0,)


def read_logbook(settings: Settings) -> Logbook:
    """Read everything to its present end."""
    book = Logbook()
    for message in _messages(settings, DIRECTORY):
        record = directory_decoder.decode(message.value() or b"")
        if isinstance(record, SessionRecord):
            book.records[record.session_id].append(record)
    for message in _messages(settings, APP_EVENTS):
        event = app_event_decoder.decode(message.value() or b"")
        book.app_events[event.session_id].append((message.offset() or 0, event))
    for message in _messages(settings, ALERTS):
        alert = alert_decoder.decode(message.value() or b"")
        book.alerts[alert.session_id].append((message.offset() or 0, alert))
    for message in _messages(settings, DEAD_LETTERS):
        letter = dead_letter_decoder.decode(message.value() or b"")
        book.dead_letters.append(f"{letter}")
    of_people = (m for m in _messages(settings, DEVICE_EVENTS) if (m.key() or b"") not in SYNTHETIC_KEYS)
    hashes = np.fromiter((hash(_id_decoder.decode(m.value() or b"").event_id) for m in of_people), np.int64)
    book.device_messages, book.device_events = len(hashes), len(np.unique(hashes))
    return book


def _messages(settings: Settings, topic: Topic) -> Iterator[Message]:
    consumer = open_consumer(settings)
    try:
        yield from read_to_end(consumer, topic)
    finally:
        consumer.close()
