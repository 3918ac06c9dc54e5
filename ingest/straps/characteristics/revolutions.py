"""From a counter of revolutions and the time of the last one to revolutions a minute, over the counters' wrap-around."""

from dataclasses import dataclass

from ingest.straps.characteristics.packet import BadPacket

TIME_TICKS = 1 << 16
STANDSTILL_AFTER_MS = 3_000
"""Without a new revolution for so long (20 rpm) it stands still."""
LONGEST_GAP_MS = 30_000
"""After a longer silence the 16-bit time may have come round (at 2048 Hz after 32 s), so counting begins anew."""


@dataclass(frozen=True, slots=True)
class Revolutions:
    """A counter as the sensor sent it: all revolutions so far and when the last one was, in ticks of its clock."""

    count: int
    last_at: int


class RevolutionCounter:
    """Follows one counter of a sensor. Counts wrap at `count_bits`, times at 16 bits of `ticks_per_s`."""

    def __init__(self, *, count_bits: int, ticks_per_s: int, rpm_max: float) -> None:
        self._count_limit = 1 << count_bits
        self._ticks_per_s = ticks_per_s
        self._rpm_max = rpm_max
        self._last: Revolutions | None = None
        self._heard_at_ms = 0
        self._turned_at_ms = 0

    def rpm(self, now: Revolutions, at_ms: int) -> float | None:
        """Revolutions a minute since the last packet; none while there is nothing to say.

        The first packet, and the first after a long silence, only begin the counting. Raises BadPacket when the counter has
        moved in a way that nothing can turn: backwards, or faster than `rpm_max`; counting begins anew from there.
        """
        last, self._last = self._last, now
        silence_ms, self._heard_at_ms = at_ms - self._heard_at_ms, at_ms
        if last is None or not 0 <= silence_ms <= LONGEST_GAP_MS:
            self._turned_at_ms = at_ms
            return None
        turns = (now.count - last.count) % self._count_limit
        ticks = (now.last_at - last.last_at) % TIME_TICKS
        if not turns:
            return 0.0 if at_ms - self._turned_at_ms >= STANDSTILL_AFTER_MS else None
        self._turned_at_ms = at_ms
        rpm = turns * 60 * self._ticks_per_s / ticks if ticks else float("inf")
        if rpm > self._rpm_max:
            raise BadPacket(f"{turns} revolutions in {ticks} ticks of 1/{self._ticks_per_s} s")
        return rpm
