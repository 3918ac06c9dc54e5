"""All channels of this process: what comes from the log goes in at `take`, and comes out at the readers it concerns.

Knows neither Kafka nor sockets; runs on the event loop's thread only.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from api.push.channel_names import ChannelName, Kind, session_channels
from api.push.channels import MetricsChannel, StreamChannel
from api.push.messages import message_shown
from api.push.session_book import SessionBook, alert_audience, event_audience, event_message
from infra.telemetry.logs import logger
from infra.telemetry.metrics import HUB_UNREADABLE
from schemas.alerts import Alert
from schemas.events import AppEvent
from schemas.live import LiveUpdate
from schemas.messages import LiveMessage
from schemas.synthetic import SYNTHETIC_SESSION_SET
from schemas.topics import ALERTS, APP_EVENTS, LIVE, LIVE_MESSAGES, Topic, partition_of

log = logger(__name__)
TOPIC_OF: dict[Kind, Topic] = {"alerts": ALERTS, "events": APP_EVENTS, "metrics": LIVE, "user": LIVE_MESSAGES}
KIND_OF = {topic.name: kind for kind, topic in TOPIC_OF.items()}
_ALERT_OPENING = len(b'{"type":"alert",')
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message of the log, decoded; none when it could not be."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    message: LiveUpdate | Alert | AppEvent | LiveMessage | None


@dataclass(frozen=True, slots=True)
class Missed:
    """The log has a hole: what lay before `next_offset` cannot be read any more."""

    topic: str
    partition: int
    next_offset: int


class Switchboard:
    """Rings, caches and books of all sessions. `first` is the offset at which this process began to read each partition.

    What comes of the synthetic member is told to `hear_synthetic`, by its id, and kept nowhere.
    """

    def __init__(
        self,
        generations: dict[str, str],
        first: dict[Place, int],
        hear_synthetic: Callable[[str], None] = lambda _event_id: None,
    ) -> None:
        self._hear_synthetic = hear_synthetic
        self.books: dict[str, SessionBook] = {}
        self._generations = generations
        self._complete_after = {place: offset - 1 for place, offset in first.items()}
        self._head = {place: offset - 1 for place, offset in first.items()}
        self._streams: dict[str, StreamChannel] = {}
        self._metrics: dict[str, MetricsChannel] = {}

    def take(self, batch: Iterable[Arrived | Missed]) -> set[str]:
        """Take what arrived in; returns the channels that have something new."""
        touched: set[str] = set()
        for item in batch:
            if isinstance(item, Missed):
                touched.update(self._miss(item))
                continue
            place = (item.topic, item.partition)
            self._head[place] = max(self._head.get(place, -1), item.offset)
            try:
                touched.update(self._put(item))
            except Exception as fault:  # one foreign message must not cost the readers of all the others theirs
                HUB_UNREADABLE.labels(item.topic).inc()
                where = {"topic": item.topic, "partition": item.partition, "offset": item.offset}
                log.exception("hub_message_unusable", **where, fault=str(fault))
        return touched

    def _put(self, item: Arrived) -> Iterable[str]:
        if isinstance(item.message, LiveMessage):
            return self._tell(item, item.message)
        if item.message is not None and item.message.session_id in SYNTHETIC_SESSION_SET:
            for event_id in item.message.names if isinstance(item.message, LiveUpdate) else ():
                self._hear_synthetic(event_id)
            return ()
        return () if item.message is None else [self._enter(item, item.message)]

    def _tell(self, item: Arrived, message: LiveMessage) -> Iterable[str]:
        """A message goes to the channel of each user it is for."""
        body = orjson.dumps(message_shown(message))[1:]
        for user_id in message.recipients:
            yield self._publish(ChannelName("user", str(user_id)), item, "message", body, None)

    def _enter(self, item: Arrived, message: LiveUpdate | Alert | AppEvent) -> str:
        session_id = message.session_id
        book = self.books.setdefault(session_id, SessionBook())
        if isinstance(message, LiveUpdate):
            metrics = self.metrics(ChannelName("metrics", session_id))
            if metrics.cache.take(message):
                book.take_live(message)
            return str(metrics.name)
        if isinstance(message, Alert):
            if not book.take_alert(message):  # known, or older: a flow that died while a broker was away published it again
                return str(ChannelName("alerts", session_id))
            body = msgspec.json.encode(message)[_ALERT_OPENING:]
            return self._publish(ChannelName("alerts", session_id), item, "alert", body, alert_audience(message))
        body = orjson.dumps(event_message(message))[1:]
        if not book.take_event(message):  # the outbox publishes again what it died over: nobody is told twice
            return str(ChannelName("events", session_id))
        return self._publish(ChannelName("events", session_id), item, "session_event", body, event_audience(message))

    def _publish(self, name: ChannelName, item: Arrived, kind: str, body: bytes, audience: int | None) -> str:
        channel = self.stream(name)
        if item.offset > channel.last_offset:
            channel.publish(item.offset, item.at_ms, kind, body, audience)
        return str(name)

    def stream(self, name: ChannelName) -> StreamChannel:
        """The stream of that name, made when it is new."""
        channel = self._streams.get(str(name))
        place = self._place(name)
        if channel is None:
            channel = self._streams[str(name)] = StreamChannel(name, self._epoch(place), self._complete_after.get(place, -1))
        channel.head = max(channel.head, self._head.get(place, -1))
        return channel

    def metrics(self, name: ChannelName) -> MetricsChannel:
        """The metrics of one session, made when they are new."""
        return self._metrics.setdefault(str(name), MetricsChannel(name))

    def known_metrics(self, session_id: str) -> MetricsChannel | None:
        return self.metrics_called(f"metrics:{session_id}")

    def metrics_called(self, channel: str) -> MetricsChannel | None:
        """The metrics of that channel, or none: it is a stream, or new."""
        return self._metrics.get(channel)

    def _place(self, name: ChannelName) -> Place:
        topic = TOPIC_OF[name.kind]
        return topic.name, partition_of(name.key.encode(), topic.partitions)

    def _epoch(self, place: Place) -> str:
        life = f"{self._generations.get(place[0], '')}/{place[0]}/{place[1]}"
        return hashlib.sha256(life.encode()).hexdigest()[:16]

    def _miss(self, hole: Missed) -> Iterable[str]:
        place = (hole.topic, hole.partition)
        self._complete_after[place] = self._head[place] = hole.next_offset - 1
        kind = KIND_OF[hole.topic]
        for session_id, book in self.books.items() if kind != "user" else ():
            if self._place(ChannelName(kind, session_id)) == place:
                book.complete = False
        for metrics in self._metrics.values():
            if kind == "metrics" and self._place(metrics.name) == place:
                metrics.cache.miss()
        for text, stream in self._streams.items():
            if stream.name.kind == kind and self._place(stream.name) == place:
                stream.forget(hole.next_offset - 1)
                yield text

    def trim(self, now_ms: int) -> None:
        """Let go of messages that are too old for their rings."""
        for stream in self._streams.values():
            stream.ring.trim(now_ms)

    def session_ids(self) -> set[str]:
        """Sessions of which anything is kept here."""
        names = [c.name for c in self._streams.values()] + [c.name for c in self._metrics.values()]
        return set(self.books) | {name.key for name in names if name.kind != "user"}

    def drop_session(self, session_id: str) -> None:
        """Forget a session that is over and that nobody reads; asked for again, it begins where the log is now."""
        self.books.pop(session_id, None)
        for text in session_channels(session_id):
            self._metrics.pop(text, None)
            self.drop_stream(text)

    def quiet_users(self) -> list[str]:
        """Channels of users of which nothing is kept any more."""
        return [text for text, stream in self._streams.items() if stream.name.kind == "user" and not len(stream.ring)]

    def drop_stream(self, channel: str) -> None:
        """Forget one stream that nobody reads."""
        gone = self._streams.pop(channel, None)
        if gone:
            place = self._place(gone.name)
            self._complete_after[place] = max(self._complete_after.get(place, -1), gone.last_offset)

    def positions(self, session_id: str) -> dict[str, dict[str, Any]]:
        """Epoch and offset (of metrics the version) at which each channel of a session stands now."""
        told: dict[str, dict[str, Any]] = {}
        for name in (ChannelName("events", session_id), ChannelName("alerts", session_id)):
            told[str(name)] = self.position(name)
        metrics = self.known_metrics(session_id)
        told[f"metrics:{session_id}"] = {"version": metrics.cache.version if metrics else 0}
        return told

    def position(self, name: ChannelName) -> dict[str, Any]:
        """Epoch and offset at which a stream stands now."""
        stream = self.stream(name)
        return {"epoch": stream.epoch, "offset": stream.head}
