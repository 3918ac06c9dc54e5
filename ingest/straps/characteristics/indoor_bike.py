"""Indoor Bike Data, 0x2AD2 (FTMS 1.0, section 4.9)."""

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
    Group(2, (Field("cadence_rpm", 2, 0.5),)),
    Group(3, (Field("average_cadence_rpm", 2, 0.5),)),
    Group(4, (Field("distance_m", 3),)),
    Group(5, RESISTANCE, RESISTANCE_NEWER),
    Group(6, (Field("power_watts", 2, signed=True),)),
    Group(7, (Field("average_power_watts", 2, signed=True),)),
    *common_tail(8),
)


def decode_indoor_bike(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, LAYOUT)
