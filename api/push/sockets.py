"""The open sockets of this process: who has how many, who is woken by which channel, and how all say goodbye."""

from collections.abc import Callable, Collection, Iterable, Iterator

from api.principal import Principal
from api.push import protocol
from api.push.audience import Audience
from api.push.connection import Connection
from api.push.limits import ADMISSIONS_PER_S, MAX_SOCKETS_PER_USER, TokenBucket
from api.push.protocol import CloseCode
from api.push.subscriptions import Reader
from infra.clock import Clock
from infra.telemetry.metrics import PUSH_SECONDS, SOCKETS_OPEN, SOCKETS_OPENED

COME_BACK_PER_S = 500
COME_BACK_MS_MIN = 2_000


class Sockets:
    """Used on the event loop's thread only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, Connection] = {}
        self._by_channel: dict[str, Audience] = {}
        self._of_user: dict[int, int] = {}
        self._admissions = TokenBucket(per_s=ADMISSIONS_PER_S, burst=ADMISSIONS_PER_S, now_ms=clock())
        self._window_ms: int | None = None

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def admits(self) -> bool:
        """Whether one more socket may knock now; a storm is let in at the pace at which it can be served."""
        return self._admissions.take(self._clock())

    def has_room_for(self, user: Principal) -> bool:
        return self._of_user.get(user.user_id, 0) < MAX_SOCKETS_PER_USER

    def put(self, connection: Connection) -> None:
        self._open[connection.id] = connection
        user_id = connection.principal.user_id
        self._of_user[user_id] = self._of_user.get(user_id, 0) + 1
        SOCKETS_OPENED.inc()
        SOCKETS_OPEN.set(len(self._open))

    def remove(self, connection: Connection) -> None:
        if self._open.pop(connection.id, None) is None:
            return
        user_id = connection.principal.user_id
        self._of_user[user_id] -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]
        for channel in list(connection.readers):
            self.unsubscribe(connection, channel)
        SOCKETS_OPEN.set(len(self._open))

    def subscribe(self, connection: Connection, reader: Reader) -> None:
        connection.add(reader)
        self._by_channel.setdefault(str(reader.name), Audience()).put(connection, reader)

    def unsubscribe(self, connection: Connection, channel: str) -> bool:
        """False when there was no such subscription."""
        audience = self._by_channel.get(channel)
        if audience is not None:
            audience.drop(connection)
            if not audience.everyone:
                del self._by_channel[channel]
        return connection.remove(channel) is not None

    def readers_of(self, channel: str) -> list[Connection]:
        audience = self._by_channel.get(channel)
        return list(audience.everyone.values()) if audience else []

    def wake(
        self,
        channels: Iterable[str],
        concerned: Callable[[str], Collection[int] | None],
        received_ms: Callable[[str], int | None],
    ) -> None:
        """Let everyone write whom news of these channels concerns.

        `concerned` tells which members it is about (none: whoever reads the channel), `received_ms` when its newest event came
        to our door.
        """
        woken: dict[str, Connection] = {}
        for channel in channels:
            audience = self._by_channel.get(channel)
            if audience:
                for connections in audience.concerned(concerned(channel)):
                    woken.update(connections)
        for connection in list(woken.values()):
            connection.pump()
        now_ms = self._clock()
        for channel in channels:
            since = received_ms(channel) if channel in self._by_channel else None
            if since is not None:
                PUSH_SECONDS.observe(max(0, now_ms - since) / 1_000)

    def look_after(self) -> None:
        """Once a second, for every socket."""
        now_ms = self._clock()
        beat = protocol.heartbeat(now_ms)
        for connection in self:
            connection.look_after(now_ms, beat)

    def send_away(self, connection: Connection) -> None:
        """The process stops: come back within a window that spreads everyone out."""
        if self._window_ms is None:
            self._window_ms = max(COME_BACK_MS_MIN, len(self._open) * 1_000 // COME_BACK_PER_S)
        connection.close(CloseCode.RESTART, "The server restarts.", (0, self._window_ms))
