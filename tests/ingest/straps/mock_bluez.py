"""As much of BlueZ as bleak speaks to, on a private D-Bus: an adapter, and straps that come, go, drop and lie."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
DEVICE_INTERFACE, SERVICE_INTERFACE = "org.bluez.Device1", "org.bluez.GattService1"
CHARACTERISTIC_INTERFACE = "org.bluez.GattCharacteristic1"
SIGNATURES = {
    "Address": "s",
    "Name": "s",
    "Adapter": "o",
    "UUIDs": "as",
    "RSSI": "n",
    "Value": "ay",
    "Device": "o",
    "Service": "o",
}
Properties = dict[str, Variant]


def variants(values: dict[str, Any]) -> Properties:
    by_type = {bool: "b", str: "s", int: "n", list: "as", bytes: "ay"}
    return {name: Variant(SIGNATURES.get(name, by_type[type(value)]), value) for name, value in values.items()}


@dataclass(eq=False)
class MockStrap:
    """A strap near the adapter; `services` maps each service to its characteristics and their first values."""

    address: str
    name: str
    services: dict[str, dict[str, bytes]]
    advertised: list[str] = field(default_factory=list)
    in_range: bool = True
    refuses: int = 0
    """How many connections it will refuse first."""
    connected: bool = False
    known: bool = False
    connections: int = 0
    notifying: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        return f"{ADAPTER}/dev_{self.address.replace(':', '_')}"

    def objects(self) -> dict[str, dict[str, Properties]]:
        """Its services and characteristics, as they are found when it is connected."""
        found: dict[str, dict[str, Properties]] = {}
        for place, (service, characteristics) in enumerate(self.services.items(), 1):
            path = f"{self.path}/service{place * 16:04x}"
            found[path] = {SERVICE_INTERFACE: variants({"UUID": service, "Device": self.path, "Primary": True})}
            for index, (uuid, value) in enumerate(characteristics.items(), 1):
                facts = {"UUID": uuid, "Service": path, "Value": value, "Flags": ["read", "notify"], "Notifying": False}
                found[f"{path}/char{place * 16 + index:04x}"] = {CHARACTERISTIC_INTERFACE: variants(facts)}
        return found

    def path_of(self, uuid: str) -> str:
        return next(
            path
            for path, interfaces in self.objects().items()
            if interfaces.get(CHARACTERISTIC_INTERFACE, {}).get("UUID", Variant("s", "")).value == uuid
        )

    def facts(self) -> Properties:
        facts = {
            "Address": self.address,
            "Name": self.name,
            "Alias": self.name,
            "Adapter": ADAPTER,
            "UUIDs": self.advertised or list(self.services),
            "RSSI": -60,
            "Connected": self.connected,
            "ServicesResolved": self.connected,
            "Paired": False,
        }
        return variants(facts)


class MockBlueZ:
    """Answers bleak. The straps are the test's to move."""

    def __init__(self, bus: MessageBus, *straps: MockStrap) -> None:
        self.straps = list(straps)
        self._bus = bus
        self._scanning: set[str] = set()
        bus.add_message_handler(self._answer)

    def notify(self, strap: MockStrap, uuid: str, content: bytes) -> None:
        """A notification, when anybody listens."""
        path = strap.path_of(uuid)
        if strap.connected and path in strap.notifying:
            self._changed(path, CHARACTERISTIC_INTERFACE, Value=content)

    def drop(self, strap: MockStrap, *, forgotten: bool = False) -> None:
        """The connection breaks; a forgotten device is as if it had never been there."""
        strap.connected = False
        strap.notifying.clear()
        self._changed(strap.path, DEVICE_INTERFACE, ServicesResolved=False)
        self._changed(strap.path, DEVICE_INTERFACE, Connected=False)
        for path, interfaces in strap.objects().items():
            self._signal("InterfacesRemoved", "oas", [path, list(interfaces)])
        if forgotten:
            strap.known = False
            self._signal("InterfacesRemoved", "oas", [strap.path, [DEVICE_INTERFACE]])

    async def advertise(self) -> None:
        """For ever: every strap in range that is not connected, ten times a second."""
        while True:
            for strap in self.straps:
                if self._scanning and strap.in_range and not strap.connected:
                    if strap.known:
                        self._changed(strap.path, DEVICE_INTERFACE, RSSI=-60)
                    else:
                        strap.known = True
                        self._signal("InterfacesAdded", "oa{sa{sv}}", [strap.path, {DEVICE_INTERFACE: strap.facts()}])
            await asyncio.sleep(0.1)

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        strap = next((s for s in self.straps if message.path == s.path or message.path.startswith(f"{s.path}/")), None)
        match message.member:
            case "GetManagedObjects":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
            case "StartDiscovery":
                self._scanning.add(message.sender)
            case "StopDiscovery":
                self._scanning.discard(message.sender)
            case "Connect" if strap:
                return self._connect(strap, message)
            case "Disconnect" if strap and strap.connected:
                asyncio.get_running_loop().call_soon(self.drop, strap)
            case "StartNotify" if strap:
                strap.notifying.add(message.path)
            case "StopNotify" if strap:
                strap.notifying.discard(message.path)
            case "ReadValue" if strap:
                value = strap.objects()[message.path][CHARACTERISTIC_INTERFACE]["Value"].value
                return Message.new_method_return(message, "ay", [value])
        return Message.new_method_return(message)

    def _connect(self, strap: MockStrap, message: Message) -> Message:
        if strap.refuses or not strap.in_range:
            strap.refuses = max(0, strap.refuses - 1)
            return Message.new_error(message, "org.bluez.Error.Failed", "connection refused by the strap")
        strap.connected = True
        strap.connections += 1
        self._changed(strap.path, DEVICE_INTERFACE, Connected=True)
        for path, interfaces in strap.objects().items():
            self._signal("InterfacesAdded", "oa{sa{sv}}", [path, interfaces])
        self._changed(strap.path, DEVICE_INTERFACE, ServicesResolved=True)
        return Message.new_method_return(message)

    def _objects(self) -> dict[str, dict[str, Properties]]:
        facts = {"Address": "00:11:22:33:44:55", "Name": "mock", "Powered": True, "Roles": ["central"]}
        found = {ADAPTER: {"org.bluez.Adapter1": variants(facts)}}
        for strap in self.straps:
            if strap.known:
                found[strap.path] = {DEVICE_INTERFACE: strap.facts()}
            if strap.connected:
                found |= strap.objects()
        return found

    def _changed(self, path: str, interface: str, **values: Any) -> None:
        body = [interface, variants(values), []]
        signal = Message.new_signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", body)
        self._bus.send(signal)

    def _signal(self, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(Message.new_signal("/", "org.freedesktop.DBus.ObjectManager", member, signature, body))


@contextlib.asynccontextmanager
async def mock_bluez(address: str, *straps: MockStrap) -> AsyncIterator[MockBlueZ]:
    """A BlueZ with these straps on the bus at this address."""
    bus = await MessageBus(bus_address=address).connect()
    bluez = MockBlueZ(bus, *straps)
    await bus.request_name("org.bluez")
    advertising = asyncio.create_task(bluez.advertise())
    try:
        yield bluez
    finally:
        advertising.cancel()
        bus.disconnect()
