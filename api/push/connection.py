"""One socket: whom it belongs to, what it reads, and what is written to it next."""

from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Protocol

from api.principal import Principal
from api.push import protocol
from api.push.frame import Frame
from api.push.limits import HEARTBEAT_MS, MAX_REPLIES_WAITING, REFRESH_BEFORE_MS, SLOW_AFTER_MS, STALLED_AFTER_MS
from api.push.protocol import CloseCode
from api.push.subscriptions import MetricsReader, Reader
from infra.clock import Clock
from infra.telemetry.metrics import PUSHED, SOCKETS_REFUSED


class Wire(Protocol):
    """The sending side of a socket. `write` never waits; `paused` asks to write no more until `on_writable` is called."""

    on_writable: Callable[[], None] | None

    @property
    def paused(self) -> bool: ...

    @property
    def closed(self) -> bool: ...

    def write(self, frame: Frame) -> None: ...

    def finish(self, code: int, reason: str) -> None:
        """Close after what has been written; a socket that does not drain is cut soon after."""

    def abort(self) -> None: ...


@cache
def _count(kind: str) -> Callable[[], None]:
    """What counts one frame of a kind: looked up once, because a thousand sockets write thousands a second."""
    return PUSHED.labels(kind).inc


class Connection:
    """Writes to its socket whatever is due, most urgent first, and only as much as the socket takes.

    Nothing here waits: what the socket does not take now stays in the shared rings and caches until it does.
    """

    def __init__(
        self,
        connection_id: str,
        wire: Wire,
        principal: Principal,
        clock: Clock,
        wake_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self.id = connection_id
        self.wire = wire
        self.principal = principal
        self.plain = False
        """Whether the client speaks no protocol of ours and is given what concerns it unasked."""
        self.readers: dict[str, Reader] = {}
        self._clock = clock
        self._wake_later = wake_later
        self._ordered: list[Reader] = []
        self._replies: deque[Frame] = deque()
        self._written_at_ms = clock()
        self._paused_since_ms: int | None = None
        self._refresh_asked = False
        self._wakes = False
        wire.on_writable = self.pump

    def answer(self, frame: Frame) -> None:
        """Queue a reply; a client that lets too many wait is not reading."""
        if len(self._replies) >= MAX_REPLIES_WAITING:
            self.close(CloseCode.SLOW, "Replies are not read.")
            return
        self._replies.append(frame)
        self.pump()

    def add(self, reader: Reader) -> None:
        self.readers[str(reader.name)] = reader
        self._reorder()

    def remove(self, channel: str) -> Reader | None:
        gone = self.readers.pop(channel, None)
        self._reorder()
        return gone

    def _reorder(self) -> None:
        self._ordered = sorted(self.readers.values(), key=lambda reader: reader.order)

    def write(self, frame: Frame) -> None:
        """Write now, whatever waits; for readers, which look at `paused` before, and for the last words before a close."""
        self.wire.write(frame)
        self._written_at_ms = self._clock()
        _count(frame.kind)()

    @property
    def paused(self) -> bool:
        return self.wire.paused

    def pump(self) -> None:
        """Write what is due: replies, events, alerts, messages, metrics. Stops where the socket wants no more."""
        if self.wire.closed:
            return
        now_ms = self._clock()
        while self._replies:
            if self.wire.paused:
                return
            self.write(self._replies.popleft())
        for reader in self._ordered:
            if not reader.pump(self, now_ms):
                return
            if isinstance(reader, MetricsReader) and reader.behind and not self._wakes:
                waits_ms = reader.waits_ms(now_ms)
                if waits_ms:
                    self._wakes = True
                    self._wake_later(waits_ms / 1_000, self._awake)

    def _awake(self) -> None:
        self._wakes = False
        self.pump()

    def close(self, code: CloseCode, reason: str, after_ms: tuple[int, int] = (0, 2_000)) -> None:
        """Say goodbye and close."""
        if self.wire.closed:
            return
        SOCKETS_REFUSED.labels(str(int(code))).inc()
        if self.wire.paused:
            self.wire.abort()
            return
        self.write(protocol.bye(code, reason, after_ms))
        self.wire.finish(code, reason)

    def look_after(self, now_ms: int, heartbeat: Frame) -> None:
        """Once a second: expiry, silence, slowness."""
        if self.wire.closed:
            return
        self._mind_expiry(now_ms)
        self._mind_pace(now_ms)
        if now_ms - self._written_at_ms >= HEARTBEAT_MS and not self.wire.paused and not self.wire.closed:
            self.write(heartbeat)

    def _mind_expiry(self, now_ms: int) -> None:
        left_ms = self.principal.expires_at_ms - now_ms
        if left_ms <= 0:
            self.close(CloseCode.UNAUTHORIZED, "The access token has expired.")
        elif left_ms <= REFRESH_BEFORE_MS and not self._refresh_asked:
            self._refresh_asked = True
            self.answer(protocol.refresh(-(-left_ms // 1_000)))

    def renew(self, principal: Principal) -> None:
        """The client brought a new token."""
        self.principal = principal
        self._refresh_asked = False

    def _mind_pace(self, now_ms: int) -> None:
        if not self.wire.paused:
            self._paused_since_ms = None
        elif self._paused_since_ms is None:
            self._paused_since_ms = now_ms
        elif now_ms - self._paused_since_ms >= STALLED_AFTER_MS:
            self.close(CloseCode.SLOW, "Nothing was read for 30 s.")
            return
        slow = any(reader.receipts.lag_ms(now_ms) > SLOW_AFTER_MS for reader in self._ordered)
        for reader in self._ordered:
            if isinstance(reader, MetricsReader):
                reader.slow = slow
