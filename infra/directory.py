"""The compacted topic `directory` as a process holds it: who exists, which sessions run, which device tokens are good."""

import threading
from collections.abc import Callable, Set

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from infra.kafka import ends, open_consumer, read_to_end
from infra.settings import Settings
from infra.telemetry.logs import logger
from infra.telemetry.metrics import MESSAGES_UNREADABLE
from schemas.directory import DeviceRecord, DirectoryRecord, MemberRecord, SessionRecord, directory_decoder, implausible
from schemas.topics import DIRECTORY
from schemas.unreadable import UNREADABLE

log = logger(__name__)
POLL_S = 0.1
"""Also how long a stopping process waits for the thread."""
Listener = Callable[[DirectoryRecord], None]


class Directory:
    """The newest record of every key. Pure: `put` is told of each record in the topic's order."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionRecord] = {}
        self.members: dict[int, MemberRecord] = {}
        self.devices_by_token_sha256: dict[str, DeviceRecord] = {}
        self._sessions_of_member: dict[int, tuple[SessionRecord, ...]] = {}
        """By start; each tuple is replaced as a whole, so that another thread may read while `put` runs."""
        self._rosters: dict[str, frozenset[int]] = {}
        self._active: set[int] = set()

    def put(self, record: DirectoryRecord) -> None:
        """Take one record in; it replaces the older one of its key."""
        match record:
            case SessionRecord():
                self._put_session(record)
            case MemberRecord():
                self.members[record.member_id] = record
                (self._active.add if record.active else self._active.discard)(record.member_id)
            case DeviceRecord():
                self.devices_by_token_sha256[record.token_sha256] = record

    def _put_session(self, record: SessionRecord) -> None:
        before = self.sessions.get(record.session_id)
        self.sessions[record.session_id] = record
        present = frozenset(participant.member_id for participant in record.participants)
        self._rosters[record.session_id] = present
        former = {participant.member_id for participant in before.participants} if before else set[int]()
        for member_id in present | former:
            others = [s for s in self._sessions_of_member.get(member_id, ()) if s.session_id != record.session_id]
            held = [*others, record] if member_id in present else others
            self._sessions_of_member[member_id] = tuple(sorted(held, key=lambda session: session.started_at_ms))

    def session_at(self, member_id: int, at_ms: int) -> SessionRecord | None:
        """The session this member took part in at that moment; of several, the one that started last."""
        for session in reversed(self._sessions_of_member.get(member_id, ())):
            if session.started_at_ms <= at_ms and (session.ended_at_ms is None or at_ms <= session.ended_at_ms):
                return session
        return None

    def takes_part(self, member_id: int, session_id: str) -> bool:
        """Whether the member is on the roster of that session."""
        return member_id in self._rosters.get(session_id, ())

    def all_take_part(self, member_ids: Set[int], session_id: str) -> bool:
        """Whether all these are active members on the roster of that session."""
        return member_ids <= self._active and member_ids <= self._rosters.get(session_id, frozenset())


class DirectoryReader:
    """Keeps a `Directory` up to date from Kafka; reads the whole of it at construction. Raises Unavailable when that fails.

    `refresh` reads to the topic's present end and returns: flows call it when they meet a session they do not know.
    `follow` does the same on a thread of its own until `close`; listeners then run on that thread, after the record is in.
    """

    def __init__(self, settings: Settings) -> None:
        self.directory = Directory()
        self._settings = settings
        self._consumer: Consumer = open_consumer(settings)
        self._listeners: list[Listener] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._taken = threading.Condition()
        self._asker: Consumer | None = None
        self._next_offset = 0
        try:
            for message in read_to_end(self._consumer, DIRECTORY):
                self._take(message)
            [stand] = self._consumer.position([TopicPartition(DIRECTORY.name, 0)])
        except BaseException:
            self._consumer.close()
            raise
        self._next_offset = max(self._next_offset, stand.offset)

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

    def catch_up(self, timeout_s: float = 5) -> bool:
        """While `follow` runs: wait until all that the topic holds now is taken in. False when that took too long.

        Asks by a second consumer, because asking the first while another thread polls it never returns.
        """
        if self._asker is None:
            self._asker = open_consumer(self._settings)
        try:
            high = ends(self._asker, DIRECTORY.name, 0, timeout_s)[1]
        except KafkaException as failure:
            log.warning("directory_end_unknown", failure=str(failure))
            return False
        with self._taken:
            return self._taken.wait_for(lambda: self._next_offset >= high, timeout_s)

    def close(self) -> None:
        """Stop the thread and leave Kafka."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)
        self._consumer.close()
        if self._asker:
            self._asker.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            first = self._consumer.poll(POLL_S)
            if first is None:  # an empty message is false, too
                continue
            for message in (first, *self._consumer.consume(500, timeout=0)):
                fault = message.error()
                if fault is None:
                    self._take(message)
                elif not fault.retriable():
                    log.error("directory_read_failed", error=str(fault))

    def _take(self, message: Message) -> None:
        self._put(message)
        with self._taken:
            self._next_offset = max(self._next_offset, (message.offset() or 0) + 1)
            self._taken.notify_all()

    def _put(self, message: Message) -> None:
        value = message.value()
        if value is None:
            return
        try:
            record = directory_decoder.decode(value)
            fault = implausible(record)
        except UNREADABLE as failure:
            fault = str(failure)
        if fault:
            MESSAGES_UNREADABLE.labels(DIRECTORY.name).inc()
            log.error("directory_record_unreadable", offset=message.offset(), fault=fault)
            return
        self.directory.put(record)
        for listener in self._listeners:
            try:
                listener(record)
            except Exception:  # a listener's fault must not stop the thread by which revoked tokens become known
                log.exception("directory_listener_failed")
