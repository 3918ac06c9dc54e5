"""Cross Trainer Data, 0x2ACE (FTMS 1.0, section 4.5); its flags have three bytes."""

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
    Group(0, (Field("speed_kmh", 2, 0.01),)),
    Group(1, (Field("average_speed_kmh", 2, 0.01),)),
    Group(2, (Field("distance_m", 3),)),
    Group(3, (Field("cadence_rpm", 2, 0.5), Field("average_cadence_rpm", 2, 0.5))),
    Group(4, (Field(None, 2),)),
    Group(5, (Field(None, 2), Field(None, 2))),
    Group(6, (Field("inclination_percent", 2, 0.1, signed=True), Field(None, 2))),
    Group(7, RESISTANCE, RESISTANCE_NEWER),
    Group(8, (Field("power_watts", 2, signed=True),)),
    Group(9, (Field("average_power_watts", 2, signed=True),)),
    *common_tail(10),
)
"""Bit 3 holds steps a minute, of both feet."""


def decode_cross_trainer(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, LAYOUT, flag_bytes=3)
