"""Fatigue: the same heart drives less than it did when the session was young."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REFERENCE_MINUTES: Final = range(5, 15)
"""Minutes of the session that are its own reference: after warming up, before tiring."""
REFERENCE_MIN: Final = 5
LAST_MINUTES: Final = 5
COMPARABLE_SHARE: Final = 0.25
"""A minute whose output is further from the reference is another exercise, and says nothing about fatigue."""

Minute = tuple[float, float]
"""Mean heart rate (bpm) and mean output (W or m/s) of a minute."""


@dataclass(frozen=True)
class Efficiency:
    """Output per heartbeat of the last five minutes against the reference; `drop` is the share by which it is lower."""

    reference: float
    last: float
    comparable: bool

    @property
    def drop(self) -> float:
        return 1.0 - self.last / self.reference


def efficiency(minutes: Mapping[int, Minute], newest: int) -> Efficiency | None:
    """Efficiency by the minutes of a session, numbered from its start; none until both sides are known.

    Mean output ÷ mean heart rate (efficiency factor, Friel), over minutes 5 to 15 and over the five up to `newest`.
    """
    reference = [minutes[at] for at in REFERENCE_MINUTES if at in minutes]
    last = [minutes[at] for at in range(newest - LAST_MINUTES + 1, newest + 1) if at in minutes]
    if len(reference) < REFERENCE_MIN or len(last) < LAST_MINUTES or newest - LAST_MINUTES < REFERENCE_MINUTES[-1]:
        return None
    heart_then, output_then = _means(reference)
    heart_now, output_now = _means(last)
    if output_then <= 0:
        return None
    comparable = all(abs(output / output_then - 1.0) <= COMPARABLE_SHARE for _, output in last)
    return Efficiency(output_then / heart_then, output_now / heart_now, comparable)


def _means(minutes: list[Minute]) -> Minute:
    return sum(heart for heart, _ in minutes) / len(minutes), sum(output for _, output in minutes) / len(minutes)
