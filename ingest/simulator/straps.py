"""Straps and sensors on the members: what they measure becomes events, and what cannot be sent now is stored or lost. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.simulator.physiology import Second
from schemas.events import Cadence, DeviceEvent, HeartRate, Power, Speed, Steps

STORED_EVENTS_MAX = 3 * 3_600
"""An hour of heart rate, power and cadence; when it is full, the oldest go."""


@dataclass(frozen=True)
class Faults:
    """How often devices misbehave, per device and hour unless said otherwise."""

    dropouts: float = 4
    """Out of range for some seconds; half of them store what they measure and send it later."""
    dropout_s: tuple[int, int] = (7, 20)
    outliers: float = 2
    """One reading jumps by 45 bpm, as a strap does that has lost its skin contact."""
    doubled_share: float = 0.005
    skew_ms: float = 400
    """Standard deviation of the devices' clocks."""


NO_FAULTS = Faults(dropouts=0, outliers=0, doubled_share=0, skew_ms=0)


class Strap:
    """One member's devices. `online` is the switch of the control page; radio dropouts come on top of it."""

    def __init__(
        self, member_id: int, name: str, run: str, skew_ms: int, *, stores: bool = True, session_id: str | None = None
    ) -> None:
        self.member_id = member_id
        self.name = name
        self.online = True
        self.stores = stores
        """Whether it keeps what it measures while switched off from the network."""
        self.forgotten = 0
        self._run = run
        self._session_id = session_id
        self._skew_ms = skew_ms
        self._waiting: deque[DeviceEvent] = deque()
        self._out_of_range_s = 0
        self._keeps_now = True

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def lose_radio(self, seconds: int, *, keeps: bool) -> None:
        """Out of range from now on."""
        self._out_of_range_s = seconds
        self._keeps_now = keeps

    def measure(self, second: Second, row: int, index: int, at_ms: int, jump_bpm: int = 0) -> None:
        """Take one second of the body in; it waits until `take`, or is forgotten when it cannot be kept."""
        events = list(self._events(second, row, index, at_ms + self._skew_ms, jump_bpm))
        reachable = self.online and self._out_of_range_s == 0
        kept = reachable or (self.stores if not self.online else self._keeps_now)
        if kept:
            self._waiting.extend(events)
        while len(self._waiting) > STORED_EVENTS_MAX:
            self._waiting.popleft()
            self.forgotten += 1
        self.forgotten += 0 if kept else len(events)
        self._out_of_range_s = max(0, self._out_of_range_s - 1)

    def take(self, count: int) -> list[DeviceEvent]:
        """What can be sent now, oldest first."""
        if not self.online or self._out_of_range_s > 0:
            return []
        return [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]

    def _events(self, second: Second, row: int, index: int, at_ms: int, jump_bpm: int) -> Iterator[DeviceEvent]:
        bpm = min(239, int(second.heart_rate_bpm[row]) + jump_bpm)
        yield HeartRate(**self._common("hr", "strap", index, at_ms), heart_rate_bpm=bpm, rr_ms=second.rr_ms[row], contact=True)
        if second.power_watts is not None and second.cadence_rpm is not None:
            source = {"source": "power_meter"}
            yield Power(**self._common("pw", "bike", index, at_ms) | source, power_watts=int(second.power_watts[row]))
            source = {"source": "cadence_sensor"}
            yield Cadence(**self._common("cd", "bike", index, at_ms) | source, cadence_rpm=float(second.cadence_rpm[row]))
        if second.speed_mps is not None and second.distance_m is not None:
            source = {"source": "speed_sensor"}
            speed, distance = float(second.speed_mps[row]), round(float(second.distance_m[row]), 1)
            yield Speed(**self._common("sp", "foot", index, at_ms) | source, speed_mps=speed, distance_m=distance)
        if second.step_count is not None and index % 10 == 0:
            source = {"source": "wearable_integration"}
            yield Steps(**self._common("st", "foot", index, at_ms) | source, step_count=int(second.step_count[row]))

    def _common(self, kind: str, device: str, index: int, at_ms: int) -> dict[str, Any]:
        return {
            "event_id": f"sim-{self._run}-{self.member_id}-{kind}-{index}",
            "member_id": self.member_id,
            "session_id": self._session_id,
            "device_id": f"{device}-{self.member_id}",
            "event_time_ms": at_ms,
        }


class Mishaps:
    """Decides, second by second, what goes wrong with which strap."""

    def __init__(self, faults: Faults, rng: np.random.Generator) -> None:
        self._faults = faults
        self._rng = rng

    def skew_ms(self) -> int:
        """The error of one device's clock."""
        return round(float(np.clip(self._rng.normal(0, 1), -3, 3)) * self._faults.skew_ms)

    def strike(self, straps: list[Strap]) -> dict[int, int]:
        """Start dropouts; returns by row how far this second's reading jumps."""
        chances = self._rng.random((2, len(straps)))
        low, high = self._faults.dropout_s
        for row in np.flatnonzero(chances[0] < self._faults.dropouts / 3600):
            straps[row].lose_radio(int(self._rng.integers(low, high + 1)), keeps=bool(self._rng.random() < 0.5))
        return {int(row): 45 for row in np.flatnonzero(chances[1] < self._faults.outliers / 3600)}

    def double(self, events: list[DeviceEvent]) -> list[DeviceEvent]:
        """Send some events twice."""
        if not self._faults.doubled_share:
            return events
        twice = self._rng.random(len(events)) < self._faults.doubled_share
        return [event for event, again in zip(events, twice, strict=True) for _ in range(2 if again else 1)]
