"""Cycling Speed and Cadence Measurement, 0x2A5B (CSC Service 1.0)."""

from dataclasses import dataclass

from ingest.straps.characteristics.packet import Packet
from ingest.straps.characteristics.revolutions import Revolutions

WHEEL_PRESENT = 0x01
CRANK_PRESENT = 0x02
TICKS_PER_S = 1024
"""Of both times."""


@dataclass(frozen=True, slots=True)
class CyclingCadence:
    """One notification: the counters of wheel (32 bits) and crank (16 bits), as far as the sensor has them."""

    wheel: Revolutions | None = None
    crank: Revolutions | None = None


def decode_cycling_cadence(content: bytes) -> CyclingCadence:
    """Raises BadPacket."""
    packet = Packet(content)
    flags = packet.take(1)
    wheel = Revolutions(packet.take(4), packet.take(2)) if flags & WHEEL_PRESENT else None
    crank = Revolutions(packet.take(2), packet.take(2)) if flags & CRANK_PRESENT else None
    return CyclingCadence(wheel, crank)
