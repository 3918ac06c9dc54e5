"""How many events a device token may send."""

from dataclasses import dataclass

from infra.settings import Settings
from schemas.directory import DeviceRecord


@dataclass
class _Bucket:
    tokens: float
    at_ms: int


class Rates:
    """One token bucket per device token: a mean rate, and a burst for what was stored while out of range."""

    def __init__(self, settings: Settings) -> None:
        self._limits = {
            "member": (settings.device_events_per_s, settings.device_events_burst),
            "gateway": (settings.hub_events_per_s, settings.hub_events_burst),
        }
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, device: DeviceRecord, events: int, now_ms: int) -> float:
        """Take room for so many events and answer 0, or take none and say after how many seconds there will be room."""
        rate, burst = self._limits[device.scope]
        bucket = self._buckets.setdefault(device.token_id, _Bucket(burst, now_ms))
        bucket.tokens = min(burst, bucket.tokens + max(0, now_ms - bucket.at_ms) / 1000 * rate)
        bucket.at_ms = now_ms
        needed = min(events, burst)
        if bucket.tokens < needed:
            return (needed - bucket.tokens) / rate
        bucket.tokens -= events
        return 0
