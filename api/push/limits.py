"""What one client may ask for, and how fast."""

from dataclasses import dataclass, field

MAX_FRAME_BYTES = 65_536
MAX_SUBSCRIPTIONS = 128
MAX_SOCKETS_PER_USER = 10
MAX_REPLIES_WAITING = 64
HELLO_WITHIN_S = 5.0
PLAIN_CLIENT_AFTER_S = 1.0
"""A client that authenticated by header and says nothing for so long is a plain one and is welcomed as it is."""
FRAMES_PER_S = 30.0
FRAMES_BURST = 60.0
BREACHES_MAX = 3
BREACHES_WITHIN_MS = 10_000
ADMISSIONS_PER_S = 500.0
HEARTBEAT_MS = 10_000
SLOW_AFTER_MS = 3_000
SLOW_INTERVAL_MS = 2_000
STALLED_AFTER_MS = 30_000
REFRESH_BEFORE_MS = 60_000
UNKNOWN_SESSION_PATIENCE_S = 2.0


class TokenBucket:
    """Lets `per_s` through a second on average and `burst` at once. Starts full."""

    def __init__(self, *, per_s: float, burst: float, now_ms: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Take one token, if there is one."""
        self._left = min(self._burst, self._left + max(0, now_ms - self._at_ms) * self._per_s / 1_000)
        self._at_ms = now_ms
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass
class FrameLimit:
    """How fast one socket may send frames. Three breaches within ten seconds are one too many."""

    bucket: TokenBucket
    breaches_ms: list[int] = field(default_factory=list)

    def admits(self, now_ms: int) -> bool:
        """Whether the frame may be handled; a refusal counts as a breach."""
        if self.bucket.take(now_ms):
            return True
        self.breaches_ms = [at for at in self.breaches_ms if at > now_ms - BREACHES_WITHIN_MS] + [now_ms]
        return False

    @property
    def exhausted(self) -> bool:
        return len(self.breaches_ms) >= BREACHES_MAX


def frame_limit(now_ms: int) -> FrameLimit:
    """The limit of one new socket."""
    return FrameLimit(TokenBucket(per_s=FRAMES_PER_S, burst=FRAMES_BURST, now_ms=now_ms))
