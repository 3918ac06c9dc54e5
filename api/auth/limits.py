"""How often somebody may ask: a token bucket per user or address, in this process's memory."""

import threading
from collections import OrderedDict
from math import ceil

from api.errors import TooMany
from infra.clock import Clock
from infra.telemetry import metrics

KEYS_MAX = 50_000
"""Beyond this the longest idle are forgotten; a forgotten one starts full."""


class RateLimit:
    """`per_minute` requests a minute for each key, all of them at once if need be."""

    def __init__(self, name: str, per_minute: int, clock: Clock) -> None:
        self._name = name
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one request.

        Raises TooMany, with the seconds to wait, when there is none left.
        """
        now_ms = self._clock()
        with self._lock:
            left, since_ms = self._buckets.pop(key, (float(self._per_minute), now_ms))
            left = min(self._per_minute, left + max(0, now_ms - since_ms) * self._per_minute / 60_000)
            self._buckets[key] = (left - 1 if left >= 1 else left, now_ms)
            if len(self._buckets) > KEYS_MAX:
                self._buckets.popitem(last=False)
        if left < 1:
            metrics.REQUESTS_LIMITED.labels(self._name).inc()
            wait_s = ceil((1 - left) * 60 / self._per_minute)
            raise TooMany(f"At most {self._per_minute} requests a minute. Try again in {wait_s} s.", retry_after_s=wait_s)
