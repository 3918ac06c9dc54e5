"""Rower Data, 0x2AD1 (FTMS 1.0, section 4.8)."""

from ingest.straps.characteristics.machine import (
    RESISTANCE,
    RESISTANCE_NEWER,
    Field,
    Group,
    MachineData,
    common_tail,
    read_machine,
)

LAYOUT = (
    Group(0, (Field("cadence_rpm", 1, 0.5), Field(None, 2))),
    Group(1, (Field("average_cadence_rpm", 1, 0.5),)),
    Group(2, (Field("distance_m", 3),)),
    Group(3, (Field("pace_s_per_500m", 2),)),
    Group(4, (Field(None, 2),)),
    Group(5, (Field("power_watts", 2, signed=True),)),
    Group(6, (Field("average_power_watts", 2, signed=True),)),
    Group(7, RESISTANCE, RESISTANCE_NEWER),
    *common_tail(8),
)


def decode_rower(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, LAYOUT)
