"""What the data characteristics of fitness machines have in common (Fitness Machine Service 1.0, FTMS).

Each begins with flags; every bit announces a group of fields. Bit 0, "more data", is the wrong way round: 0 means that
the first group *is* there. A machine with much to say splits it over several packets, so any field may be missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.straps.characteristics.packet import Packet

MORE_DATA = 0


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in MachineData (none: nobody needs it), its bytes, and its value as a multiple of the raw number."""

    name: str | None
    size: int
    scale: float = 1
    signed: bool = False

    @property
    def missing(self) -> int | None:
        """The raw value that says "not available": FTMS has one for energies only, all bits set."""
        return (1 << 8 * self.size) - 1 if self.name == "energy_kcal" else None


@dataclass(frozen=True, slots=True)
class Group:
    """The fields that one bit announces; `newer`: as the GATT Specification Supplement has them, where it differs from 1.0."""

    bit: int
    fields: tuple[Field, ...]
    newer: tuple[Field, ...] | None = None

    def announced(self, flags: int) -> bool:
        """Whether these flags say that the fields are there."""
        return bool(flags >> self.bit & 1) != (self.bit == MORE_DATA)


@dataclass(frozen=True, slots=True)
class MachineData:
    """What a machine says of itself in one packet. Distance, energy, steps and elapsed time are running totals.

    `cadence_rpm` is a rower's strokes, or a stepper's and a cross trainer's steps of one foot, a minute.
    """

    speed_kmh: float | None = None
    average_speed_kmh: float | None = None
    cadence_rpm: float | None = None
    average_cadence_rpm: float | None = None
    power_watts: float | None = None
    average_power_watts: float | None = None
    distance_m: float | None = None
    pace_s_per_500m: float | None = None
    inclination_percent: float | None = None
    resistance: float | None = None
    step_count: float | None = None
    energy_kcal: float | None = None
    heart_rate_bpm: float | None = None
    elapsed_s: float | None = None


ENERGY = (Field("energy_kcal", 2), Field(None, 2), Field(None, 1))
"""In all, an hour, a minute."""
HEART_RATE = (Field("heart_rate_bpm", 1),)
METABOLIC_EQUIVALENT = (Field(None, 1),)
ELAPSED = (Field("elapsed_s", 2),)
REMAINING = (Field(None, 2),)
RESISTANCE = (Field("resistance", 2, signed=True),)
RESISTANCE_NEWER = (Field("resistance", 1, 10),)


def common_tail(first_bit: int) -> tuple[Group, ...]:
    """The five groups with which every machine ends: energy, heart rate, metabolic equivalent, elapsed and remaining time."""
    tail = (ENERGY, HEART_RATE, METABOLIC_EQUIVALENT, ELAPSED, REMAINING)
    return tuple(Group(first_bit + place, fields) for place, fields in enumerate(tail))


def read_machine(content: bytes, groups: Sequence[Group], *, flag_bytes: int = 2) -> MachineData:
    """The announced fields. Bytes that follow unannounced are tolerated: real machines pad. Raises BadPacket."""
    packet = Packet(content)
    flags = packet.take(flag_bytes)
    announced = [group for group in groups if group.announced(flags)]
    newer = [field for group in announced for field in group.newer or group.fields]
    fields = [field for group in announced for field in group.fields]
    if packet.left == sum(field.size for field in newer):
        fields = newer  # the two editions differ in length: the one that fits exactly was meant
    found: dict[str, float] = {}
    for field in fields:
        raw = packet.take(field.size, signed=field.signed)
        if field.name is not None and raw != field.missing:
            found[field.name] = raw * field.scale if field.scale >= 1 else raw / round(1 / field.scale)
    return MachineData(**found)
