"""The compacted topic `directory` as a process holds it: who exists, which sessions run, which device tokens are good."""

import threading
from collections.abc import Callable

import msgspec
from confluent_kafka import Consumer, Message

from infra.kafka import open_consumer, read_to_end
from infra.settings import Settings
from infra.telemetry.logs import logger
from schemas.directory import DeviceRecord, DirectoryRecord, MemberRecord, SessionRecord, directory_decoder
from schemas.topics import DIRECTORY

log = logger(__name__)
Listener = Callable[[DirectoryRecord], None]


class Directory:
    """The newest record of every key. Pure: `put` is told of each record in the topic's order."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionRecord] = {}
        self.members: dict[int, MemberRecord] = {}
        self.devices_by_token_sha256: dict[str, DeviceRecord] = {}
        self._sessions_of_member: dict[int, dict[str, None]] = {}

    def put(self, record: DirectoryRecord) -> None:
        """Take one record in; it replaces the older one of its key."""
        match record:
            case SessionRecord():
                before = self.sessions.get(record.session_id)
                for gone in {p.member_id for p in before.participants} if before else ():
                    self._sessions_of_member[gone].pop(record.session_id, None)
                for participant in record.participants:
                    self._sessions_of_member.setdefault(participant.member_id, {})[record.session_id] = None
                self.sessions[record.session_id] = record
            case MemberRecord():
                self.members[record.member_id] = record
            case DeviceRecord():
                self.devices_by_token_sha256[record.token_sha256] = record

    def session_at(self, member_id: int, at_ms: int) -> SessionRecord | None:
        """The session this member took part in at that moment; of several, the one that started last."""
        held = [self.sessions[session_id] for session_id in self._sessions_of_member.get(member_id, ())]
        fitting = [s for s in held if s.started_at_ms <= at_ms and (s.ended_at_ms is None or at_ms <= s.ended_at_ms)]
        return max(fitting, key=lambda session: session.started_at_ms, default=None)


class DirectoryReader:
    """Keeps a `Directory` up to date from Kafka.

    `refresh` reads to the topic's present end and returns: flows call it when they meet a session they do not know.
    `follow` does the same on a thread of its own until `close`; listeners then run on that thread, after the record is in.
    """

    def __init__(self, settings: Settings) -> None:
        self.directory = Directory()
        self._consumer: Consumer = open_consumer(settings)
        self._listeners: list[Listener] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        for message in read_to_end(self._consumer, DIRECTORY):
            self._take(message)

    def listen(self, listener: Listener) -> None:
        """Call `listener` for every record from now on."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Read on to the end that the topic has now. Not together with `follow`."""
        for message in read_to_end(self._consumer, DIRECTORY, from_start=False):
            self._take(message)

    def follow(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="directory", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and leave Kafka."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            first = self._consumer.poll(0.5)
            for message in [first, *self._consumer.consume(500, timeout=0)] if first else ():
                fault = message.error()
                if fault is None:
                    self._take(message)
                elif not fault.retriable():
                    log.error("directory_read_failed", error=str(fault))

    def _take(self, message: Message) -> None:
        value = message.value()
        if value is None:
            return
        try:
            record = directory_decoder.decode(value)
        except (msgspec.ValidationError, msgspec.DecodeError) as fault:
            log.error("directory_record_unreadable", offset=message.offset(), fault=str(fault))
            return
        self.directory.put(record)
        for listener in self._listeners:
            listener(record)
