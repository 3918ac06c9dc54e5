"""The link to one strap as a state machine: looking, connecting, live, resting, and from the beginning whenever it is lost."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from ingest.straps.characteristics.battery import decode_battery
from ingest.straps.characteristics.known import BATTERY_LEVEL, DECODERS
from ingest.straps.characteristics.packet import BadPacket
from ingest.straps.radio import RADIO_FAULTS, Radio

PART_WITHIN_S = 5


@dataclass(frozen=True)
class Timing:
    """Seconds. A strap notifies at least once a second, so silence means that the link is dead though nobody says so."""

    first_rest_s: float = 0.5
    longest_rest_s: float = 30
    silence_s: float = 15
    battery_every_s: float = 600
    rescan_after_s: float = 60


class LinkState(StrEnum):
    """Where a link stands."""

    LOOKING = "looking"
    """No advertisement since the last connection."""
    CONNECTING = "connecting"
    LIVE = "live"
    RESTING = "resting"
    """After a drop or a failure, for a time that doubles and is spread."""


class Rests:
    """Waiting times that double up to a limit and are spread, so that many straps do not come back at once."""

    def __init__(self, timing: Timing, rng: random.Random) -> None:
        self._timing = timing
        self._rng = rng
        self._next_s = timing.first_rest_s

    def reset(self) -> None:
        self._next_s = self._timing.first_rest_s

    async def rest(self) -> None:
        """Sleep, and longer the next time."""
        await asyncio.sleep(self._next_s * self._rng.uniform(0.5, 1))
        self._next_s = min(self._timing.longest_rest_s, self._next_s * 2)


class Lost(Exception):
    """This connection is of no more use: rest, and begin again."""


class Link:
    """Holds the connection to one strap. `seen` is called by the scanner; `run` goes on until it is cancelled."""

    def __init__(
        self,
        radio: Radio,
        on_packet: Callable[[str, bytes], None],
        on_change: Callable[["Link"], None],
        *,
        one_at_a_time: asyncio.Lock,
        timing: Timing,
        rng: random.Random,
    ) -> None:
        self.state = LinkState.LOOKING
        self.battery_percent: int | None = None
        self.problem = ""
        """Why the last connection ended."""
        self._radio = radio
        self._on_packet = on_packet
        self._on_change = on_change
        self._connecting = one_at_a_time
        self._timing = timing
        self._rests = Rests(timing, rng)
        self._device: BLEDevice | None = None
        self._sighted = asyncio.Event()
        self._heard_at = 0.0

    def seen(self, device: BLEDevice) -> None:
        """The strap advertises, so it is near and not connected to anybody."""
        if self.state is not LinkState.LIVE:
            self._device = device
            self._sighted.set()

    async def run(self) -> None:
        """Connect whenever the strap is seen, and stay as long as it speaks."""
        while True:
            self._become(LinkState.LOOKING)
            await self._sighted.wait()
            heard_before = self._heard_at
            try:
                await self._connection()
            except (*RADIO_FAULTS, Lost) as fault:
                self.problem = str(fault) or type(fault).__name__
            self._sighted.clear()  # what was seen before says nothing about now
            if self._heard_at > heard_before:
                self._rests.reset()
            self._become(LinkState.RESTING)
            await self._rests.rest()

    async def _connection(self) -> None:
        """One connection from its beginning to its end, which is always a fault."""
        assert self._device is not None  # noqa: S101 - set before `_sighted`
        gone = asyncio.Event()
        client = self._radio.client(self._device, gone.set)
        async with self._connecting:  # adapters refuse to connect to two at once
            self._become(LinkState.CONNECTING)
            await client.connect()
        try:
            await self._subscribe(client)
            self._heard_at = asyncio.get_running_loop().time()
            self._become(LinkState.LIVE)
            await self._listen(client, gone)
        finally:
            with suppress(*RADIO_FAULTS):
                async with asyncio.timeout(PART_WITHIN_S):  # a daemon that died never says "disconnected"
                    await client.disconnect()

    async def _subscribe(self, client: BleakClient) -> None:
        found = [c for service in client.services for c in service.characteristics if c.uuid in DECODERS]
        if not found:
            raise Lost("it offers nothing that we can read")
        await self._read_battery(client)
        for characteristic in found:
            await client.start_notify(characteristic, self._notified)

    def _notified(self, characteristic: BleakGATTCharacteristic, content: bytearray) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._on_packet(characteristic.uuid, bytes(content))

    async def _listen(self, client: BleakClient, gone: asyncio.Event) -> None:
        """Until the strap is gone or silent. Raises Lost."""
        now = asyncio.get_running_loop().time
        battery_at = now() + self._timing.battery_every_s
        while True:
            silent_at = self._heard_at + self._timing.silence_s
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(silent_at, battery_at)):
                    await gone.wait()
            if gone.is_set():
                raise Lost("the connection was lost")
            if now() >= self._heard_at + self._timing.silence_s:
                raise Lost(f"connected, but silent for {self._timing.silence_s:g} s")
            if now() >= battery_at:
                battery_at += self._timing.battery_every_s
                before = self.battery_percent
                await self._read_battery(client)
                if self.battery_percent != before:
                    self._on_change(self)

    async def _read_battery(self, client: BleakClient) -> None:
        """As far as the strap tells; one that does not, or lies, is none the worse."""
        characteristic = client.services.get_characteristic(BATTERY_LEVEL)
        if characteristic is None:
            return
        with suppress(BleakError, BadPacket):
            self.battery_percent = decode_battery(bytes(await client.read_gatt_char(characteristic)))

    def _become(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            self._on_change(self)
