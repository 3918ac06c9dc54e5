"""Several straps at once: one scanner for all, one link for each strap that is assigned to a member."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from infra.clock import Clock
from ingest.straps.characteristics.known import SERVICES
from ingest.straps.ending import end
from ingest.straps.link import PART_WITHIN_S, Link, LinkState, Rests, Timing
from ingest.straps.measuring import Measuring
from ingest.straps.radio import RADIO_FAULTS, Radio
from schemas.events import DeviceEvent

SIGHTINGS_MAX = 500


@dataclass(frozen=True, slots=True)
class Sighting:
    """A strap as it advertises itself, assigned or not. Nobody connects to one that is not assigned."""

    address: str
    name: str
    services: tuple[str, ...]
    signal_dbm: int
    seen_at_ms: int


def sighting_of(device: BLEDevice, advertisement: AdvertisementData, at_ms: int) -> Sighting:
    """What an advertisement says."""
    services = tuple(SERVICES[uuid] for uuid in advertisement.service_uuids if uuid in SERVICES)
    name = advertisement.local_name or device.name or ""
    return Sighting(device.address.upper(), name, services, advertisement.rssi, at_ms)


@dataclass(eq=False)
class Followed:
    """An assigned strap: whose it is, its link and what it measures."""

    address: str
    member_id: int
    measuring: Measuring
    link: Link
    task: asyncio.Task[None]
    dropped_said: int = field(default=0)


class Hub:
    """Follows the assigned straps and hands their events on. `run` goes on until it is cancelled."""

    def __init__(
        self,
        radio: Radio,
        keep: Callable[[list[DeviceEvent]], None],
        say: Callable[[str], None],
        *,
        clock: Clock,
        rng: random.Random,
        timing: Timing | None = None,
    ) -> None:
        self.sightings: dict[str, Sighting] = {}
        self.followed: dict[str, Followed] = {}
        self._radio = radio
        self._keep = keep
        self._say = say
        self._clock = clock
        self._rng = rng
        self._timing = timing or Timing()
        self._one_at_a_time = asyncio.Lock()
        self._heard_at = 0.0
        self._leaving: set[asyncio.Task[None]] = set()

    def assign(self, members: Mapping[str, int]) -> None:
        """Follow exactly these straps, by address, each for its member. Links that stay as they were go on untouched."""
        for address, strap in list(self.followed.items()):
            if members.get(address) != strap.member_id:
                self._leave(strap)
                del self.followed[address]
                self._say(f"{self._name(address)} is no longer member {strap.member_id}'s.")
        for address, member_id in members.items():
            if address not in self.followed:
                self.followed[address] = self._follow(address, member_id)

    def _leave(self, strap: Followed) -> None:
        leaving = asyncio.create_task(end([strap.task]))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def run(self) -> None:
        """Scan for ever; a scanner that fails or hears nothing for long is started again."""
        rests = Rests(self._timing, self._rng)
        problem = ""
        try:
            while True:
                try:
                    await self._scan()
                    problem = ""
                    rests.reset()
                    continue
                except RADIO_FAULTS as fault:
                    if str(fault) != problem:
                        problem = str(fault)
                        self._say(f"Bluetooth does not work: {problem or type(fault).__name__}. Trying again.")
                await rests.rest()
        finally:
            await end(strap.task for strap in self.followed.values())
            await asyncio.gather(*self._leaving)

    async def _scan(self) -> None:
        """Until nothing has been heard for long. What fails at the end must not hide why it ended."""
        scanner = self._radio.scanner(self._seen)
        await scanner.start()
        try:
            await self._until_silent()
        finally:
            with suppress(*RADIO_FAULTS):
                async with asyncio.timeout(PART_WITHIN_S):
                    await scanner.stop()

    async def _until_silent(self) -> None:
        now = asyncio.get_running_loop().time
        self._heard_at = now()
        while (left_s := self._heard_at + self._timing.rescan_after_s - now()) > 0:  # noqa: ASYNC110 - a deadline that moves
            await asyncio.sleep(left_s)

    def _seen(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        sighting = sighting_of(device, advertisement, self._clock())
        if sighting.address not in self.sightings and sighting.address not in self.followed:
            self._say(f"{sighting.name or 'A strap without a name'} ({sighting.address}) is near and assigned to nobody.")
        self._note(sighting)
        if sighting.address in self.followed:
            self.followed[sighting.address].link.seen(device)

    def _note(self, sighting: Sighting) -> None:
        """The latest at the end; the longest unseen go when there are too many."""
        self.sightings.pop(sighting.address, None)
        self.sightings[sighting.address] = sighting
        if len(self.sightings) > SIGHTINGS_MAX:
            del self.sightings[next(iter(self.sightings))]

    def _follow(self, address: str, member_id: int) -> Followed:
        measuring = Measuring(address, member_id)

        def on_packet(characteristic: str, content: bytes) -> None:
            events = measuring.events(characteristic, content, self._clock())
            if events:
                self._keep(events)

        def on_change(link: Link) -> None:
            self._changed(address, link)

        link = Link(
            self._radio,
            on_packet,
            on_change,
            one_at_a_time=self._one_at_a_time,
            timing=self._timing,
            rng=self._rng,
        )
        return Followed(address, member_id, measuring, link, asyncio.create_task(link.run()))

    def _changed(self, address: str, link: Link) -> None:
        strap = self.followed.get(address)
        if strap is None:
            return
        if link.state is LinkState.LIVE:
            charge = "" if link.battery_percent is None else f", battery {link.battery_percent} %"
            self._say(f"{self._name(address)} is live for member {strap.member_id}{charge}.")
        elif link.state is LinkState.RESTING:
            if address in self.sightings:
                self._note(replace(self.sightings[address], seen_at_ms=self._clock()))
            self._say(f"{self._name(address)}: {link.problem}; trying again.{self._new_drops(strap)}")

    def _new_drops(self, strap: Followed) -> str:
        """What this connection's packets were dropped for, said once."""
        dropped = strap.measuring.dropped.total()
        new, strap.dropped_said = dropped - strap.dropped_said, dropped
        return f" {new} values were dropped, the last: {strap.measuring.last_dropped}." if new else ""

    def _name(self, address: str) -> str:
        sighting = self.sightings.get(address)
        return f"{sighting.name} ({address})" if sighting and sighting.name else address
