"""The only place that knows bleak: a scanner for straps, and a client for one of them."""

from collections.abc import Callable
from dataclasses import dataclass

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from ingest.straps.characteristics.known import SERVICES

RADIO_FAULTS = (BleakError, OSError, EOFError, TimeoutError)
"""What a radio, its daemon or the bus between may raise at any moment; all of it passes, so all of it is tried again."""
CONNECT_WITHIN_S = 20
OnSeen = Callable[[BLEDevice, AdvertisementData], None]


@dataclass(frozen=True)
class Radio:
    """A Bluetooth adapter: the machine's own (on Linux `adapter` chooses which), or another backend that bleak can drive."""

    adapter: str = ""
    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None

    def scanner(self, on_seen: OnSeen) -> BleakScanner:
        """Sees every advertisement of a strap, again and again: the first after a drop says that it is back."""
        bluez = BlueZScannerArgs(filters={"DuplicateData": True})
        if self.adapter:
            bluez["adapter"] = self.adapter
        return BleakScanner(on_seen, list(SERVICES), bluez=bluez, backend=self.scanner_backend)

    def client(self, device: BLEDevice, on_gone: Callable[[], None]) -> BleakClient:
        """Good for one connection."""
        bluez = BlueZClientArgs(adapter=self.adapter) if self.adapter else BlueZClientArgs()
        return BleakClient(
            device, lambda _client: on_gone(), timeout=CONNECT_WITHIN_S, bluez=bluez, backend=self.client_backend
        )
