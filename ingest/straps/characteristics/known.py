"""The characteristics that carry measurements, and the services that a strap advertises them by."""

from collections.abc import Callable

from ingest.straps.characteristics.climbers import decode_stair_climber, decode_step_climber
from ingest.straps.characteristics.cross_trainer import decode_cross_trainer
from ingest.straps.characteristics.cycling_cadence import CyclingCadence, decode_cycling_cadence
from ingest.straps.characteristics.cycling_power import CyclingPower, decode_cycling_power
from ingest.straps.characteristics.heart_rate import HeartRateMeasurement, decode_heart_rate
from ingest.straps.characteristics.indoor_bike import decode_indoor_bike
from ingest.straps.characteristics.machine import MachineData
from ingest.straps.characteristics.rower import decode_rower
from ingest.straps.characteristics.running import Running, decode_running
from ingest.straps.characteristics.treadmill import decode_treadmill

Measurement = HeartRateMeasurement | CyclingPower | CyclingCadence | Running | MachineData


def full_uuid(number: int) -> str:
    """The 128 bits of a number that the Bluetooth SIG has assigned."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


BATTERY_LEVEL = full_uuid(0x2A19)
SERVICES = {
    full_uuid(0x180D): "heart rate",
    full_uuid(0x1818): "cycling power",
    full_uuid(0x1816): "cycling speed and cadence",
    full_uuid(0x1814): "running",
    full_uuid(0x1826): "fitness machine",
}
DECODERS: dict[str, Callable[[bytes], Measurement]] = {
    full_uuid(0x2A37): decode_heart_rate,
    full_uuid(0x2A63): decode_cycling_power,
    full_uuid(0x2A5B): decode_cycling_cadence,
    full_uuid(0x2A53): decode_running,
    full_uuid(0x2ACD): decode_treadmill,
    full_uuid(0x2ACE): decode_cross_trainer,
    full_uuid(0x2ACF): decode_step_climber,
    full_uuid(0x2AD0): decode_stair_climber,
    full_uuid(0x2AD1): decode_rower,
    full_uuid(0x2AD2): decode_indoor_bike,
}
