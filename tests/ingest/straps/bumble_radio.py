"""A second opinion beside the mock BlueZ: a whole Bluetooth stack in Python (bumble), driven through bleak's `backend=`.

Advertising, HCI, L2CAP, ATT and GATT are real here; only the radio waves are not.
"""

from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Device, DeviceConfiguration, Peer
from bumble.gatt import Characteristic, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from ingest.straps.characteristics.known import SERVICES, full_uuid
from ingest.straps.radio import Radio


async def powered(name: str, address: str, link: LocalLink) -> Device:
    """A device of its own in this air."""
    controller = Controller(name, link=link)
    host = Host(controller, AsyncPipeSink(controller))
    device = Device(config=DeviceConfiguration(name=name, address=Address(address)), host=host)
    await device.power_on()
    return device


class BumbleStrap:
    """A strap with heart rate and battery."""

    def __init__(self, device: Device) -> None:
        self.device = device
        readable = Characteristic.Properties.READ | Characteristic.Properties.NOTIFY
        permitted = Characteristic.Permissions.READABLE
        self.heart = Characteristic(UUID("2A37"), Characteristic.Properties.NOTIFY, permitted, b"")
        battery = Characteristic(UUID("2A19"), readable, permitted, b"\x4b")
        device.add_services([Service(UUID("180D"), [self.heart]), Service(UUID("180F"), [battery])])

    async def advertise(self) -> None:
        """Until somebody connects."""
        fields = [
            (AdvertisingData.COMPLETE_LOCAL_NAME, self.device.name.encode()),
            (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes(UUID("180D"))),
        ]
        await self.device.start_advertising(advertising_data=bytes(AdvertisingData(fields)), advertising_interval_min=50)

    @property
    def listened_to(self) -> bool:
        return any(self.device.gatt_server.subscribers.get(connection) for connection in self.device.connections.values())

    async def beat(self, bpm: int) -> None:
        await self.device.notify_subscribers(self.heart, bytes([0, bpm]))

    async def drop(self) -> None:
        for connection in list(self.device.connections.values()):
            await connection.disconnect()


async def _not_needed(*_arguments: Any, **_options: Any) -> Any:
    raise NotImplementedError


def full_uuid_of(uuid: UUID) -> str:
    return full_uuid(int(uuid.to_hex_str()[:4], 16)) if len(uuid.uuid_bytes) == 2 else str(uuid).lower()


class Scanner(BaseBleakScanner):
    central: Device

    def __init__(self, detection_callback: Any, service_uuids: list[str] | None, *_mode: Any, **_options: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.central.on(Device.EVENT_ADVERTISEMENT, self._advertised)
        await self.central.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        self.central.remove_listener(Device.EVENT_ADVERTISEMENT, self._advertised)
        await self.central.stop_scanning()

    def _advertised(self, seen: Advertisement) -> None:
        uuids = [service for service in SERVICES if bytes(UUID(service[4:8])) in seen.data_bytes]
        if not self.is_allowed_uuid(uuids):
            return
        name = str(seen.data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or "")
        facts = AdvertisementData(name, {}, {}, uuids, None, seen.rssi, ())
        address = str(seen.address).removesuffix("/P")
        self.call_detection_callbacks(self.create_or_update_device(address, address, name, seen.address, facts), facts)


class Client(BaseBleakClient):
    central: Device

    def __init__(self, device: BLEDevice, *_services: Any, disconnected_callback: Any, timeout: float, **_options: Any):
        super().__init__(device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._peer_address = device.details
        self._peer: Peer | None = None

    name = property(lambda self: self.address)
    mtu_size = property(lambda _self: 23)
    is_connected = property(lambda self: self._peer is not None)

    async def connect(self, pair: bool, **_options: Any) -> None:
        connection = await self.central.connect(self._peer_address, timeout=self._timeout)
        connection.on("disconnection", self._gone)
        self._peer = Peer(connection)
        await self._peer.discover_all()
        self.services = self._collected(self._peer)

    async def disconnect(self) -> None:
        if self._peer:
            await self._peer.connection.disconnect()

    def _gone(self, _reason: int) -> None:
        self._peer = None
        if self._disconnected_callback:
            self._disconnected_callback()

    def _collected(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in peer.services:
            ours = BleakGATTService(service, service.handle, full_uuid_of(service.uuid))
            found.add_service(ours)
            for each in service.characteristics:
                uuid = full_uuid_of(each.uuid)
                found.add_characteristic(BleakGATTCharacteristic(each, each.handle, uuid, ["notify"], lambda: 20, ours))
        return found

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_options: Any) -> None:
        await self._connected().subscribe(characteristic.obj, lambda value: callback(bytearray(value)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._connected().unsubscribe(characteristic.obj)

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_options: Any) -> bytearray:
        return bytearray(await self._connected().read_value(characteristic.obj))

    def _connected(self) -> Peer:
        if self._peer is None:
            raise BleakError("not connected")
        return self._peer

    pair = unpair = read_gatt_descriptor = write_gatt_char = write_gatt_descriptor = _not_needed


def bumble_radio(central: Device) -> Radio:
    """A radio for the product that is this bumble device."""
    mine = {"central": central}
    return Radio(scanner_backend=type("MyScanner", (Scanner,), mine), client_backend=type("MyClient", (Client,), mine))
