"""Treadmill Data, 0x2ACD (FTMS 1.0, section 4.4)."""

from ingest.straps.characteristics.machine import Field, Group, MachineData, common_tail, read_machine

PACE = (Field(None, 1),)
"""In 0.1 km a minute: too coarse to use beside the speed."""
PACE_NEWER = (Field("pace_s_per_500m", 2),)

LAYOUT = (
    Group(0, (Field("speed_kmh", 2, 0.01),)),
    Group(1, (Field("average_speed_kmh", 2, 0.01),)),
    Group(2, (Field("distance_m", 3),)),
    Group(3, (Field("inclination_percent", 2, 0.1, signed=True), Field(None, 2))),
    Group(4, (Field(None, 2), Field(None, 2))),
    Group(5, PACE, PACE_NEWER),
    Group(6, PACE, (Field(None, 2),)),
    *common_tail(7),
    Group(12, (Field(None, 2), Field("power_watts", 2, signed=True))),
    Group(13, (Field("step_count", 3),)),
)
"""Bit 13 is of the GATT Specification Supplement."""


def decode_treadmill(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, LAYOUT)
