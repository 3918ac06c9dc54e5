"""What was handed to the gateway and when, and when it was seen: delays, and what was lost or doubled on the way."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Times are seconds of one monotonic clock; event times are what identifies a member's event.

    An alert that holds for whole seconds is due when the second that it names is over, which a flow working in event time knows
    from the member's next event: the delay counts from there.
    """

    sent: int = 0
    tile_delays_s: list[float] = field(default_factory=list)
    phone_delays_s: list[float] = field(default_factory=list)
    alert_delays_s: list[float] = field(default_factory=list)
    alerts_raised: Counter[int] = field(default_factory=Counter)
    """By member: first versions that the trainer's screen was told."""
    alerts_doubled: int = 0
    _on_wall: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    _on_phone: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    _climbing: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    _with_phone: set[int] = field(default_factory=set)

    def expect_on_phone(self, member_id: int) -> None:
        self._with_phone.add(member_id)

    def watch_for_alert(self, member_id: int) -> None:
        """From now on remember when this member's events were handed over."""
        self._climbing[member_id] = []

    def handed(self, member_id: int, event_time_ms: int, now_s: float) -> None:
        """An event is on its way."""
        self.sent += 1
        self._on_wall[member_id][event_time_ms] = now_s
        if member_id in self._with_phone:
            self._on_phone[member_id][event_time_ms] = now_s
        if member_id in self._climbing:
            self._climbing[member_id].append((event_time_ms, now_s))

    def shown(self, member_id: int, event_time_ms: int, now_s: float, *, on_phone: bool) -> None:
        """A screen shows the value of that event; a keyframe shows many again."""
        waiting = (self._on_phone if on_phone else self._on_wall).get(member_id)
        handed_s = waiting.pop(event_time_ms, None) if waiting else None
        if handed_s is not None:
            (self.phone_delays_s if on_phone else self.tile_delays_s).append(now_s - handed_s)

    def alert_told(self, member_id: int, raised_at_ms: int, now_s: float) -> None:
        """The trainer's screen has the first version of an alert."""
        self.alerts_raised[member_id] += 1
        for event_time_ms, handed_s in self._climbing.pop(member_id, []):
            if event_time_ms // 1000 > raised_at_ms // 1000:
                self.alert_delays_s.append(now_s - handed_s)
                return

    def untold(self, member_id: int) -> int | None:
        """The event time at which a climb began whose alert was not told; none when it was, or nothing was handed over."""
        return next((event_time_ms for event_time_ms, _handed_s in self._climbing.get(member_id, [])), None)

    def not_shown(self, before_s: float) -> tuple[int, int]:
        """Events handed over before that moment which no trainer's screen, and no phone of the member's, has shown."""
        return _older(self._on_wall, before_s), _older(self._on_phone, before_s)

    def forget_unshown(self) -> None:
        """Screens were away: of metrics they are told the newest only."""
        self._on_wall.clear()
        self._on_phone.clear()

    def take_delays(self) -> tuple[list[float], list[float], list[float]]:
        """Delays of tiles, phones and alerts since the last call."""
        taken = (self.tile_delays_s, self.phone_delays_s, self.alert_delays_s)
        self.tile_delays_s, self.phone_delays_s, self.alert_delays_s = [], [], []
        return taken


def _older(waiting: dict[int, dict[int, float]], before_s: float) -> int:
    return sum(handed_s < before_s for events in waiting.values() for handed_s in events.values())
