"""The push hub: this replica's view of everything live, and the sockets that watch it.

Public to the rest of the API: `start`, `stop`, `ready`, and the read methods. Everything runs on the event loop that called
`start`, except the two threads that read Kafka, which only hand batches over.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from api.auth.standing import Ended
from api.principal import Principal
from api.push.channel_names import ChannelName, session_channels
from api.push.connection import Connection, Wire
from api.push.protocol import CloseCode
from api.push.session_book import SessionBook
from api.push.sockets import Sockets
from api.push.subscribing import Subscriber
from api.push.switchboard import Switchboard
from api.push.tail import Batch, TailThread
from infra.clock import Clock
from infra.collector import spare_the_collector
from infra.directory import DirectoryReader
from infra.errors import Unavailable
from infra.kafka import cluster_id
from infra.log_tail import LogTail, log_generations
from infra.settings import Settings
from infra.telemetry.logs import logger
from schemas.alerts import Alert
from schemas.directory import DirectoryRecord, SessionRecord
from schemas.events import AppEvent
from schemas.live import ClassMetrics
from schemas.topics import ALERTS, APP_EVENTS, LIVE, LIVE_MESSAGES

log = logger(__name__)
Verify = Callable[[str], Principal]
STREAMS_BACK_MS = 5 * 60_000
STREAMS_BACK_MS_MAX = 24 * 3_600_000
CLOCKS_DIFFER_MS = 60_000
"""How far a message's time in the log may lie before the start of its session as another machine's clock told it."""
LIVE_BACK_MS = 15_000
FORGET_AFTER_MS = 10 * 60_000
KAFKA_PATIENCE_S = 2.0
RETRY_S = 1.0
CHECK_SIGN_INS_EVERY_S = 5


@dataclass(frozen=True)
class LiveView:
    """The present metrics of one session: a copy, all rows and columns as in `schemas.live`."""

    session_id: str
    version: int
    event_time_ms: int
    received_time_ms: int
    session_state: str
    members: tuple[int, ...]
    names: tuple[str, ...]
    columns: dict[str, list[Any]]
    class_metrics: ClassMetrics | None


class PushHub:
    """`verify` turns an access token into a Principal and raises `api.errors.Unauthorized` when it is not good; `ended` tells,
    on any thread, which sign-ins hold no longer."""

    def __init__(self, settings: Settings, clock: Clock, verify: Verify, ended: Ended) -> None:
        self.settings = settings
        self.clock = clock
        self.verify = verify
        self.ended = ended
        self.sockets = Sockets(clock)
        self.sessions: dict[str, SessionRecord] = {}
        self.board = Switchboard({}, {})
        self._synthetic: list[Callable[[str], None]] = []
        self.subscriber = Subscriber(self)
        self._read_since_ms = 0
        self._directory: DirectoryReader | None = None
        self._tail: TailThread | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._caught_up = False
        self._stopping = False

    # Life

    async def start(self) -> None:
        """Begin to read what is needed to serve, however long Kafka is away; `ready` tells when the present is reached."""
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._watch_sign_ins())]

    async def stop(self) -> None:
        """Send every client away with a time to come back at, and leave Kafka."""
        self._stopping = True
        for connection in self.sockets:
            self.sockets.send_away(connection)
        for task in self._tasks:
            task.cancel()
        if self._tail:
            await asyncio.to_thread(self._tail.stop)
        if self._directory:
            await asyncio.to_thread(self._directory.close)

    @property
    def serving(self) -> bool:
        """Whether sockets can be served: the present was reached once. What Kafka keeps back then comes when it is back."""
        return self._caught_up and not self._stopping

    def ready(self) -> bool:
        """Whether sockets are served, and Kafka is still being read."""
        lives = not any(task.done() for task in self._tasks)
        return self.serving and lives and self._tail is not None and self._tail.alive

    async def _live(self) -> None:
        while not await self._opened():  # noqa: ASYNC110 - nothing tells that Kafka is there but asking
            await asyncio.sleep(RETRY_S)
        while True:
            await asyncio.sleep(1)
            self.sockets.look_after()
            self.board.trim(self.clock())
            self._forget_old_sessions()
            self._forget_quiet_users()

    async def _watch_sign_ins(self) -> None:
        """A loop of its own: a database that hangs must not hold up heartbeats."""
        while True:
            await asyncio.sleep(CHECK_SIGN_INS_EVERY_S)
            held = {connection.principal.sign_in_id for connection in self.sockets}
            ended = await asyncio.to_thread(self.ended, held) if held else set()
            for connection in self.sockets if ended else ():
                if connection.principal.sign_in_id in ended:
                    connection.close(CloseCode.UNAUTHORIZED, "This sign-in has ended.")

    async def _opened(self) -> bool:
        """Directory first, then the streams; false when Kafka has to be waited for."""
        loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(cluster_id, self.settings, KAFKA_PATIENCE_S)  # fails sooner than what follows
            if self._directory is None:
                self._directory = await asyncio.to_thread(DirectoryReader, self.settings)
                self.sessions = dict(self._directory.directory.sessions)
                self._directory.listen(lambda record: _hand(loop, self._take_record, record))
                self._directory.follow()
            since_ms = self._read_since()
            tail, generations = await asyncio.to_thread(_open_tail, self.settings, since_ms, self.clock() - LIVE_BACK_MS)
        except Unavailable as failure:
            log.warning("hub_waits_for_kafka", failure=failure.problem, remedy=failure.remedy)
            return False
        except Exception:  # whatever it was: /ready tells, and it is tried again
            log.exception("hub_not_opened")
            return False
        self._read_since_ms = since_ms
        self.board = Switchboard(generations, tail.first, self._hear_synthetic)
        self._tail = TailThread(tail, lambda batch: _hand(loop, self._take, batch), lambda: _hand(loop, self._reach_present))
        self._tail.start()
        return True

    def _read_since(self) -> int:
        """Streams are read from the start of the oldest running session, so that its present alerts are known, within a day."""
        now_ms = self.clock()
        oldest = min((session.started_at_ms for session in self.running()), default=now_ms)
        return max(min(oldest - CLOCKS_DIFFER_MS, now_ms - STREAMS_BACK_MS), now_ms - STREAMS_BACK_MS_MAX)

    def _reach_present(self) -> None:
        self._caught_up = True
        spare_the_collector()  # while it looks through everything once more, no socket is served
        log.info("hub_ready", sessions=len(self.sessions))

    # Reading

    def running(self) -> list[SessionRecord]:
        """Sessions that have not ended, oldest first."""
        open_sessions = [session for session in self.sessions.values() if session.state != "completed"]
        return sorted(open_sessions, key=lambda session: session.started_at_ms)

    def live(self, session_id: str) -> LiveView | None:
        """The present metrics, or none when there are none yet."""
        channel = self.board.known_metrics(session_id)
        if channel is None or not channel.cache.version:
            return None
        cache = channel.cache
        return LiveView(
            session_id,
            cache.version,
            cache.event_time_ms,
            cache.received_time_ms,
            cache.session_state,
            cache.members,
            cache.names,
            {name: list(column) for name, column in cache.columns.items()},
            cache.class_metrics,
        )

    def alerts(self, session_id: str, member_id: int | None = None) -> list[Alert]:
        """Present states of the alerts known here, newest first; only a member's own when asked for one."""
        return self._book(session_id).present_alerts(member_id)

    def events(self, session_id: str, member_id: int | None = None) -> list[AppEvent]:
        """App events known here in the order they came; only those a member may see when asked for one."""
        return self._book(session_id).seen_events(member_id)

    def intensity_history(self, session_id: str) -> list[tuple[int, float]]:
        """The class's 60 s intensity every five seconds, since this process has followed it (at most two hours)."""
        return list(self._book(session_id).intensity)

    def complete(self, session_id: str) -> bool:
        """Whether this process has read and kept everything since the session's start; else the warehouse knows more."""
        session = self.sessions.get(session_id)
        known = session is not None and session.started_at_ms >= self._read_since_ms + CLOCKS_DIFFER_MS
        return known and self._book(session_id).complete

    def positions(self, session_id: str) -> dict[str, dict[str, Any]]:
        """Epoch and offset (of metrics the version) at which each channel of a session stands now."""
        return self.board.positions(session_id)

    def position_of_user(self, user_id: int) -> dict[str, dict[str, Any]]:
        """Epoch and offset at which the messages for a user stand now, by the channel's name."""
        name = ChannelName("user", str(user_id))
        return {str(name): self.board.position(name)}

    def _book(self, session_id: str) -> SessionBook:
        return self.board.books.get(session_id) or SessionBook()

    # Sockets

    def connect(self, wire: Wire, user: Principal) -> Connection:
        """A new socket of a verified user."""
        loop = asyncio.get_running_loop()
        connection = Connection(uuid4().hex, wire, user, self.clock, loop.call_later)
        self.sockets.put(connection)
        return connection

    def listen_synthetic(self, listener: Callable[[str], None]) -> None:
        """Call the listener with the id of every synthetic value that has come through."""
        self._synthetic.append(listener)

    # What the threads hand over

    def _take(self, batch: Batch) -> None:
        self.sockets.wake(self.board.take(batch), self._concerned, self._received_ms)

    def _hear_synthetic(self, event_id: str) -> None:
        for listener in self._synthetic:
            listener(event_id)

    def _concerned(self, channel: str) -> Collection[int] | None:
        metrics = self.board.metrics_called(channel)
        return metrics.take_concerned() if metrics else None

    def _received_ms(self, channel: str) -> int | None:
        metrics = self.board.metrics_called(channel)
        return metrics.cache.received_time_ms if metrics else None

    def _take_record(self, record: DirectoryRecord) -> None:
        if isinstance(record, SessionRecord):
            self.sessions[record.session_id] = record
            self.subscriber.session_changed(record)

    def _forget_old_sessions(self) -> None:
        before_ms = self.clock() - FORGET_AFTER_MS
        for session_id in self.board.session_ids():
            session = self.sessions.get(session_id)
            over = session is not None and session.ended_at_ms is not None and session.ended_at_ms < before_ms
            if over and not any(self.sockets.readers_of(channel) for channel in session_channels(session_id)):
                self.board.drop_session(session_id)

    def _forget_quiet_users(self) -> None:
        for channel in self.board.quiet_users():
            if not self.sockets.readers_of(channel):
                self.board.drop_stream(channel)


def _open_tail(settings: Settings, streams_since_ms: int, live_since_ms: int) -> tuple[LogTail, dict[str, str]]:
    generations = log_generations(settings, (LIVE, ALERTS, APP_EVENTS, LIVE_MESSAGES))
    since_ms = {ALERTS: streams_since_ms, APP_EVENTS: streams_since_ms, LIVE_MESSAGES: streams_since_ms, LIVE: live_since_ms}
    return LogTail(settings, since_ms), generations


def _hand(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *values: object) -> None:
    """Run on the event loop, from another thread; a loop that has ended takes nothing more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *values)
