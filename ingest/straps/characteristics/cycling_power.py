"""Cycling Power Measurement, 0x2A63 (Cycling Power Service 1.1)."""

from dataclasses import dataclass

from ingest.straps.characteristics.packet import Packet
from ingest.straps.characteristics.revolutions import Revolutions

BALANCE_PRESENT = 0x001
TORQUE_PRESENT = 0x004
WHEEL_PRESENT = 0x010
CRANK_PRESENT = 0x020
EXTREME_FORCES_PRESENT = 0x040
EXTREME_TORQUES_PRESENT = 0x080
EXTREME_ANGLES_PRESENT = 0x100
TOP_DEAD_SPOT_PRESENT = 0x200
BOTTOM_DEAD_SPOT_PRESENT = 0x400
ENERGY_PRESENT = 0x800
UNUSED_SIZES = (
    (EXTREME_FORCES_PRESENT, 4),
    (EXTREME_TORQUES_PRESENT, 4),
    (EXTREME_ANGLES_PRESENT, 3),
    (TOP_DEAD_SPOT_PRESENT, 2),
    (BOTTOM_DEAD_SPOT_PRESENT, 2),
)
"""Fields between the crank's and the energy's, in their order, that no number of ours needs."""

WHEEL_TICKS_PER_S = 2048
"""Here, and only here: in 0x2A5B the wheel's time is in 1/1024 s."""
CRANK_TICKS_PER_S = 1024


@dataclass(frozen=True, slots=True)
class CyclingPower:
    """One notification. Power may be below 0 (turning backwards); energy is the running total since the start."""

    power_watts: int
    balance_percent: float | None = None
    torque_nm: float | None = None
    wheel: Revolutions | None = None
    crank: Revolutions | None = None
    energy_kj: int | None = None


def decode_cycling_power(content: bytes) -> CyclingPower:
    """Raises BadPacket."""
    packet = Packet(content)
    flags = packet.take(2)
    power_watts = packet.take(2, signed=True)
    balance_percent = packet.take(1) / 2 if flags & BALANCE_PRESENT else None
    torque_nm = packet.take(2) / 32 if flags & TORQUE_PRESENT else None
    wheel = Revolutions(packet.take(4), packet.take(2)) if flags & WHEEL_PRESENT else None
    crank = Revolutions(packet.take(2), packet.take(2)) if flags & CRANK_PRESENT else None
    for present, size in UNUSED_SIZES:
        if flags & present:
            packet.skip(size)
    energy_kj = packet.take(2) if flags & ENERGY_PRESENT else None
    return CyclingPower(power_watts, balance_percent, torque_nm, wheel, crank, energy_kj)
