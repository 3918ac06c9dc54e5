"""Devices whose clocks are wrong: noticed by what their newest readings say against ours, and set right where that is proof.

Nothing arrives before it was measured, so a reading from the future proves a clock that is ahead. A reading from the past
proves nothing: it may have been stored, and a hub that is behind and no faster than its straps sends readings that are all
equally old. Those keep their times; that they are always late is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from infra.telemetry.logs import logger
from infra.telemetry.metrics import CLOCK_CORRECTED, CLOCKS_OFF
from ingest.outcomes import Outcome
from schemas.events import DeviceEvent
from schemas.ranges import CLOCK_OFF_MAX_MS

log = logger(__name__)
TOLERANCE_MS = 5_000
"""Up to here a value still counts as live, and times are left as the device says."""
JITTER_MS = 2_000
"""So much the way through the network varies."""
STEADY_MS = 20_000
"""So long a device must send readings of one age before something is held of it."""
PAUSE_MS = 5_000
"""Live devices are not silent for longer."""
TOLD_EVERY_MS = 60_000
TOLD_FROM_MS = 10_000
"""A clock that is told to be wrong is told again only when it is otherwise by more than this, and not at once."""
DEVICES_MAX = 20_000
FORGET_AFTER_MS = 600_000
SWEEP_EVERY_MS = 60_000
Key = tuple[int, str]
"""Member and device."""


@dataclass(frozen=True)
class ClockNews:
    """What is held of a device from now on.

    A negative `offset_ms` is added to its times; a positive one says how late its readings come, and nothing is added.
    0: all is well again.
    """

    member_id: int
    device_id: str
    offset_ms: int
    session_id: str | None
    """As the device's newest event names it."""
    event_time_ms: int
    """The newest event's time, corrected."""


@dataclass(slots=True)
class DeviceClock:
    """One device's clock. A sample is the age of the newest event when it came; it is negative when it came from the future."""

    offset_ms: int = 0
    """What is added to the device's times: never positive."""
    behind_ms: int = 0
    """How old its newest readings always are."""
    since_ms: int = 0
    """When the present run of samples of about the same age began."""
    heard_ms: int = 0
    low_ms: int = 0
    high_ms: int = 0
    told_offset_ms: int = 0
    told_ms: int = -TOLD_EVERY_MS

    def hear(self, age_ms: int, now_ms: int) -> None:
        """Take a sample. What arrives earlier than what is held allows is proof of another clock; else a steady run is."""
        self._extend_run(age_ms, now_ms)
        held_ms = self.offset_ms or self.behind_ms
        if age_ms < held_ms - JITTER_MS:
            self._hold(age_ms)
        elif now_ms - self.since_ms >= STEADY_MS and abs(self.low_ms - held_ms) > JITTER_MS:
            self._hold(self.low_ms)

    def is_news(self, now_ms: int) -> bool:
        """Whether somebody must be told; asked once for each time that it is told."""
        wrong, told = self.offset_ms or self.behind_ms, self.told_offset_ms
        otherwise = (wrong == 0) != (told == 0) or abs(wrong - told) > TOLD_FROM_MS
        if not otherwise or now_ms - self.told_ms < TOLD_EVERY_MS:
            return False
        self.told_offset_ms, self.told_ms = wrong, now_ms
        return True

    def _hold(self, age_ms: int) -> None:
        wrong_ms = age_ms if abs(age_ms) > TOLERANCE_MS else 0
        self.offset_ms, self.behind_ms = min(wrong_ms, 0), max(wrong_ms, 0)

    def _extend_run(self, age_ms: int, now_ms: int) -> None:
        low, high = min(self.low_ms, age_ms), max(self.high_ms, age_ms)
        if now_ms - self.heard_ms > PAUSE_MS or high - low > JITTER_MS:
            self.since_ms, low, high = now_ms, age_ms, age_ms
        self.heard_ms, self.low_ms, self.high_ms = now_ms, low, high


@dataclass
class DeviceClocks:
    """Those devices that are under suspicion; all others cost one comparison an event."""

    held: dict[Key, DeviceClock] = field(default_factory=dict)
    swept_ms: int = 0

    def correct(
        self, events: Sequence[DeviceEvent | Outcome], now_ms: int
    ) -> tuple[Sequence[DeviceEvent | Outcome], list[ClockNews]]:
        """The events of one request with their times set right, and which clocks are seen otherwise since."""
        newest = {} if self._all_in_time(events, now_ms) else self._newest(events, now_ms)
        if not newest:
            return events, []
        news: list[ClockNews] = []
        for key, event in newest.items():
            clock = self.held.setdefault(key, DeviceClock())
            clock.hear(now_ms - event.event_time_ms, now_ms)
            if clock.is_news(now_ms):
                at_ms = event.event_time_ms + clock.offset_ms
                news.append(ClockNews(*key, clock.told_offset_ms, event.session_id, at_ms))
                log.warning("device_clock", member_id=key[0], device_id=key[1], offset_ms=clock.told_offset_ms)
        corrected = [event if isinstance(event, Outcome) else self._corrected(event, now_ms) for event in events]
        self._forget(newest, now_ms)
        return corrected, news

    def _all_in_time(self, events: Sequence[DeviceEvent | Outcome], now_ms: int) -> bool:
        """Whether no device of these is, or now comes, under suspicion: as nearly always, found without a look at each."""
        good = [event for event in events if not isinstance(event, Outcome)]
        times_ms = [event.event_time_ms for event in good]
        if not times_ms or min(times_ms) < now_ms - TOLERANCE_MS or max(times_ms) > now_ms + TOLERANCE_MS:
            return not times_ms
        return not self.held or self.held.keys().isdisjoint([(event.member_id, event.device_id) for event in good])

    def _newest(self, events: Iterable[DeviceEvent | Outcome], now_ms: int) -> dict[Key, DeviceEvent]:
        """The newest event of each device that is, or now comes, under suspicion; what is too old says nothing of a clock."""
        newest: dict[Key, DeviceEvent] = {}
        suspected: set[Key] = set()
        for event in events:
            if isinstance(event, Outcome) or abs(now_ms - event.event_time_ms) > CLOCK_OFF_MAX_MS:
                continue
            key = (event.member_id, event.device_id)
            if abs(now_ms - event.event_time_ms) > TOLERANCE_MS or key in self.held:
                suspected.add(key)
            if key not in newest or event.event_time_ms > newest[key].event_time_ms:
                newest[key] = event
        room = len(self.held) < DEVICES_MAX
        return {key: newest[key] for key in suspected if room or key in self.held}

    def _corrected(self, event: DeviceEvent, now_ms: int) -> DeviceEvent:
        clock = self.held.get((event.member_id, event.device_id))
        if clock is None or not clock.offset_ms or abs(now_ms - event.event_time_ms) > CLOCK_OFF_MAX_MS:
            return event
        CLOCK_CORRECTED.inc()
        offset_ms = clock.offset_ms
        return replace(event, event_time_ms=event.event_time_ms + offset_ms, clock_offset_ms=offset_ms)

    def _forget(self, looked_at: Iterable[Key], now_ms: int) -> None:
        """Clear those whose newest readings are in time, and from time to time those who have long been silent."""
        for key in looked_at:
            clock = self.held[key]
            in_time = clock.low_ms >= -TOLERANCE_MS and clock.high_ms <= TOLERANCE_MS
            if in_time and not (clock.offset_ms or clock.behind_ms or clock.told_offset_ms):
                del self.held[key]
        if now_ms - self.swept_ms >= SWEEP_EVERY_MS:
            self.swept_ms = now_ms
            self.held = {key: clock for key, clock in self.held.items() if now_ms - clock.heard_ms < FORGET_AFTER_MS}
            CLOCKS_OFF.set(sum(bool(clock.offset_ms or clock.behind_ms) for clock in self.held.values()))
