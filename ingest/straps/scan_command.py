"""`paceline strap scan`: which straps are near."""

import asyncio

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from rich.console import Console
from rich.table import Table

from infra.clock import Clock
from infra.errors import PacelineError
from ingest.straps.hub import Sighting, sighting_of
from ingest.straps.radio import RADIO_FAULTS, Radio

NO_BLUETOOTH = "Is the adapter plugged in and on, and does the Bluetooth service run (on Linux: `systemctl status bluetooth`)?"


async def scan(radio: Radio, seconds: float, clock: Clock, console: Console) -> None:
    """Print a table, the strongest signal first. Raises PacelineError when there is no Bluetooth."""
    found: dict[str, Sighting] = {}

    def on_seen(device: BLEDevice, advertisement: AdvertisementData) -> None:
        sighting = sighting_of(device, advertisement, clock())
        found[sighting.address] = sighting

    try:
        async with radio.scanner(on_seen):
            await asyncio.sleep(seconds)
    except RADIO_FAULTS as fault:
        raise PacelineError(f"Bluetooth does not work: {fault or type(fault).__name__}", NO_BLUETOOTH) from None
    if not found:
        console.print(f"No strap was seen within {seconds:g} s. A strap advertises only while it is worn and not connected.")
        return
    table = Table("address", "name", "measures", "signal")
    for sighting in sorted(found.values(), key=lambda seen: -seen.signal_dbm):
        table.add_row(sighting.address, sighting.name, ", ".join(sighting.services), f"{sighting.signal_dbm} dBm")
    console.print(table)
