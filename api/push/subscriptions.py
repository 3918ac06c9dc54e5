"""What one socket reads of one channel: a cursor into the ring, or the version of the metrics it has."""

from collections import deque
from typing import Any, Protocol

from api.push import protocol
from api.push.channels import MetricsChannel, StreamChannel
from api.push.frame import Frame
from api.push.limits import SLOW_INTERVAL_MS
from infra.telemetry.metrics import COALESCED, GAPS

CHECKPOINT_EVERY_MS = 500
CHECKPOINTS_MAX = 120
"""A client that acknowledged once and never again is slow; no more need be remembered of it."""
STREAM_ORDER = {"events": 0, "alerts": 1, "user": 2}
METRICS_ORDER = 3


class Writer(Protocol):
    """A socket as seen from here: it says when it wants no more, and takes what it is given anyway."""

    @property
    def paused(self) -> bool: ...

    def write(self, frame: Frame) -> None: ...


class Receipts:
    """When what was sent, as far as the client has not said that it came. Silent until the first `ack`."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, int]] = deque()
        self._acknowledged: int | None = None

    def sent(self, position: int, now_ms: int) -> None:
        if self._acknowledged is None:
            return
        if len(self._sent) >= CHECKPOINTS_MAX:
            return
        if not self._sent or self._sent[-1][1] <= now_ms - CHECKPOINT_EVERY_MS:
            self._sent.append((position, now_ms))

    def acknowledge(self, position: int) -> None:
        """Everything up to a position has arrived."""
        self._acknowledged = max(position, self._acknowledged or 0)
        while self._sent and self._sent[0][0] <= position:
            self._sent.popleft()

    def lag_ms(self, now_ms: int) -> int:
        """For how long the oldest message without receipt has been under way."""
        return now_ms - self._sent[0][1] if self._sent else 0


class StreamReader:
    """Hands every message of a stream on, in order. `last` is the position that this client has been brought to."""

    def __init__(self, channel: StreamChannel, member_id: int | None, epoch: str | None, offset: int | None) -> None:
        self.channel = channel
        self.name = channel.name
        self.receipts = Receipts()
        self._member_id = member_id
        found = channel.locate(epoch, offset)
        self.recovered = found is not None
        self._cursor = channel.ring.end if found is None else found
        self.last = channel.head if found is None or offset is None else offset
        self._asked_to_resume = offset is not None

    @property
    def order(self) -> int:
        return STREAM_ORDER[self.name.kind]

    def shown(self) -> dict[str, Any]:
        """The subscription as `welcome` and replies tell it; `offset` is where it stands before the replay."""
        missing = (self.channel.ring.at(cursor) for cursor in range(self._cursor, self.channel.ring.end))
        told: dict[str, Any] = {
            "channel": str(self.name),
            "mode": "stream",
            "epoch": self.channel.epoch,
            "offset": self.last,
            "recovered": self.recovered,
            "replayed": sum(entry.visible_to(self._member_id) for entry in missing),
        }
        if self._asked_to_resume and not self.recovered:
            told["state"] = self.name.state_address
        return told

    def pump(self, wire: Writer, now_ms: int) -> bool:
        """Write what is due; false when the socket wants no more."""
        ring = self.channel.ring
        if self._cursor < ring.base:
            if wire.paused:
                return False
            self._declare_gap(wire)
        while self._cursor < ring.end:
            if wire.paused:
                return False
            entry = ring.at(self._cursor)
            self._cursor += 1
            if entry.visible_to(self._member_id):
                wire.write(entry.frame if self._member_id is None else self.channel.frame_after(entry, self.last))
                self.last = entry.offset
                self.receipts.sent(entry.offset, now_ms)
        return True

    def _declare_gap(self, wire: Writer) -> None:
        self._cursor = self.channel.ring.base
        self.last = self.channel.ring.complete_after
        GAPS.inc()
        wire.write(protocol.gap(str(self.name), self.channel.epoch, self.last, self.name.state_address))


class MetricsReader:
    """Brings a client from the version it has to the present one, at most every `interval_ms`."""

    order = METRICS_ORDER

    def __init__(self, channel: MetricsChannel, member_id: int | None, interval_ms: int) -> None:
        self.channel = channel
        self.name = channel.name
        self.receipts = Receipts()
        self.slow = False
        self.member_id = member_id
        """The member whose own row is all that is shown; none to the staff."""
        self._interval_ms = interval_ms
        self._version: int | None = None
        self._sent_at_ms: int | None = None

    def shown(self) -> dict[str, Any]:
        return {"channel": str(self.name), "mode": "cache", "version": self.channel.cache.version}

    def want_key(self) -> None:
        """The client has lost its base: the next update is a keyframe."""
        self._version = None
        self._sent_at_ms = None

    def waits_ms(self, now_ms: int) -> int:
        """For how long nothing may be written yet; 0 when it may."""
        interval_ms = max(self._interval_ms, SLOW_INTERVAL_MS) if self.slow else self._interval_ms
        if self._sent_at_ms is None or not interval_ms:
            return 0
        return min(interval_ms, max(0, self._sent_at_ms + interval_ms - now_ms))

    @property
    def behind(self) -> bool:
        return self.channel.cache.version != (self._version or 0)

    def pump(self, wire: Writer, now_ms: int) -> bool:
        """Write the newest state when it is due; false when the socket wants no more."""
        if not self.behind or self.waits_ms(now_ms):
            return True
        if wire.paused:
            return False
        frame = self.channel.frame(self._version, self.member_id)
        if frame is None:
            return True
        version = self.channel.cache.version
        if self._version is not None and self.member_id is None and version > self._version + 1:
            COALESCED.inc(version - self._version - 1)
        self._version, self._sent_at_ms = version, now_ms
        wire.write(frame)
        self.receipts.sent(version, now_ms)
        return True


Reader = StreamReader | MetricsReader
