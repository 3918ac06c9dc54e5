"""Step Climber Data, 0x2ACF, and Stair Climber Data, 0x2AD0 (FTMS 1.0, sections 4.6 and 4.7)."""

from ingest.straps.characteristics.machine import Field, Group, MachineData, common_tail, read_machine

RATES = (
    Group(1, (Field("cadence_rpm", 2, 0.5),)),
    Group(2, (Field("average_cadence_rpm", 2, 0.5),)),
    Group(3, (Field(None, 2),)),
)
"""Steps a minute, of both feet; their average; metres climbed."""
STEP_CLIMBER = (Group(0, (Field(None, 2), Field("step_count", 2))), *RATES, *common_tail(4))
STAIR_CLIMBER = (Group(0, (Field(None, 2),)), *RATES, Group(4, (Field(None, 2),)), *common_tail(5))


def decode_step_climber(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, STEP_CLIMBER)


def decode_stair_climber(content: bytes) -> MachineData:
    """Raises BadPacket."""
    return read_machine(content, STAIR_CLIMBER)
