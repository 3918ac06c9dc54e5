"""Running Speed and Cadence (RSC) Measurement, 0x2A53 (RSC Service 1.0)."""

from dataclasses import dataclass

from ingest.straps.characteristics.packet import Packet

STRIDE_PRESENT = 0x01
DISTANCE_PRESENT = 0x02
IS_RUNNING = 0x04


@dataclass(frozen=True, slots=True)
class Running:
    """One notification. The cadence counts the steps of both feet; `distance_m` is the running total."""

    speed_mps: float
    steps_per_minute: int
    stride_m: float | None = None
    distance_m: float | None = None
    running: bool = False


def decode_running(content: bytes) -> Running:
    """Raises BadPacket."""
    packet = Packet(content)
    flags = packet.take(1)
    speed_mps = packet.take(2) / 256
    steps_per_minute = packet.take(1)
    stride_m = packet.take(2) / 100 if flags & STRIDE_PRESENT else None
    distance_m = packet.take(4) / 10 if flags & DISTANCE_PRESENT else None
    return Running(speed_mps, steps_per_minute, stride_m, distance_m, bool(flags & IS_RUNNING))
