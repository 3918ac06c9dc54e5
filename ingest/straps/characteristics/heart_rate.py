"""Heart Rate Measurement, 0x2A37 (Heart Rate Service 1.0)."""

from dataclasses import dataclass

from ingest.straps.characteristics.packet import BadPacket, Packet

WIDE_HEART_RATE = 0x01
CONTACT_DETECTED = 0x02
CONTACT_SUPPORTED = 0x04
ENERGY_PRESENT = 0x08
RR_PRESENT = 0x10


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One notification. `contact` is none when the strap cannot tell; `rr_1024` are intervals in 1/1024 s, oldest first.

    `energy_kj` is the strap's running total since it was reset; it stops at 65,535. A heart rate of 0 means "none found".
    """

    heart_rate_bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_1024: tuple[int, ...] = ()

    @property
    def rr_ms(self) -> tuple[int, ...]:
        """The intervals in milliseconds, rounded; one of 0 ticks is no interval and left out."""
        return tuple(round(ticks * 1000 / 1024) for ticks in self.rr_1024 if ticks)


def decode_heart_rate(content: bytes) -> HeartRateMeasurement:
    """Raises BadPacket."""
    packet = Packet(content)
    flags = packet.take(1)
    heart_rate_bpm = packet.take(2 if flags & WIDE_HEART_RATE else 1)
    energy_kj = packet.take(2) if flags & ENERGY_PRESENT else None
    rr: list[int] = []
    if flags & RR_PRESENT:
        while packet.left >= 2:
            rr.append(packet.take(2))
        if packet.left:
            raise BadPacket("half of an RR interval at the end")
    contact = bool(flags & CONTACT_DETECTED) if flags & CONTACT_SUPPORTED else None
    return HeartRateMeasurement(heart_rate_bpm, contact, energy_kj, tuple(rr))
