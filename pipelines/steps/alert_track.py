"""One member under one rule: what the rule saw last, and for how long it has been so."""

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """What one observation says about a rule."""

    INSIDE = 0
    """All is well, by more than the hysteresis."""
    BETWEEN = 1
    """Within the bound, too close to it to end an alert."""
    OUTSIDE = 2


@dataclass
class Track:
    """One member under one rule; seconds since 1970. `alert_id` is that of the active alert."""

    outside_since: int | None = None
    outside_seen: int = 0
    """Observations outside since then …"""
    contrary: int = 0
    """… and those that said otherwise since the newest of them."""
    inside_since: int | None = None
    last: int = 0
    quiet_until: int = 0
    alert_id: str | None = None
    told_ms: int | None = None
    """By the clock: when the active alert was first seen by `repeat`."""

    @property
    def idle(self) -> bool:
        return self.alert_id is None and self.outside_since is None

    def hold(self, second: int) -> int:
        """Take an observation outside in; for how many seconds it has been so."""
        if self.outside_since is None:
            self.outside_since, self.outside_seen = second, 0
        self.outside_seen += 1
        self.contrary = 0
        return second - self.outside_since


@dataclass(frozen=True)
class Sighting:
    """What a rule saw: the value, the bound, and the sentence for it (given how long it has held, s)."""

    verdict: Verdict
    value: float
    bound: float
