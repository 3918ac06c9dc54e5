"""The hub of one class: collects what its members' devices measure and sends it as docs/devices.md asks, until confirmed."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from infra.clock import system_clock
from ingest.device_client import BATCH_EVENTS, HttpUplink, open_http
from tests.crash.measuring import LIFT_BPM, LIFT_STEP_BPM, Body, Tick, events_of
from tests.crash.waiting import until_told

ASK_EVERY_S = 0.3


@dataclass
class Sheet:
    """What happened in one session as far as its straps are concerned; the hub writes it, the reference reads it."""

    session_id: str
    started_ms: int
    named: bool
    present: set[int] = field(default_factory=set)
    """Members whose devices send now."""
    high: set[int] = field(default_factory=set)
    """Members whose heart rate is driven up now."""
    ticks: list[Tick] = field(default_factory=list)
    _lifts: dict[int, int] = field(default_factory=dict)

    def next(self, second: int) -> Tick:
        """Measure one more second."""
        for member in self.high | self._lifts.keys():
            step = LIFT_STEP_BPM if member in self.high else -LIFT_STEP_BPM
            lift = min(max(self._lifts.get(member, 0) + step, 0), LIFT_BPM)
            self._lifts[member] = lift
        self._lifts = {member: lift for member, lift in self._lifts.items() if lift}
        members = tuple(sorted(self.present))
        tick = Tick(self.session_id, second, second - self.started_ms // 1_000, members, dict(self._lifts), self.named)
        self.ticks.append(tick)
        return tick


class Hub:
    """Sends a class's seconds in order, after an outage what was kept meanwhile; what is not sure to have arrived, again."""

    def __init__(self, gateway_url: str, token: str, sheet: Sheet, bodies: Mapping[int, Body], rng: random.Random) -> None:
        self.sheet = sheet
        self.uplink = HttpUplink(gateway_url, token, rng)
        self.confirmed_s = 0
        """The newest second that the gateway has confirmed."""
        self.longest_wait_s = 0.0
        self._gateway_url, self._token = gateway_url, token
        self._bodies = bodies
        self._stop = asyncio.Event()

    async def wait_until_known(self, members: set[int]) -> None:
        """Ask the gateway until it names the session with these members, as a hub does before it sends for them."""
        async with open_http(self._gateway_url, self._token) as client:
            await until_told(lambda: self._knows(client, members), ASK_EVERY_S)

    async def run(self) -> None:
        """Until `finish`: every second once it is over."""
        second = system_clock() // 1_000 + 1
        before: list = []
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, second + 1 - system_clock() / 1_000))
            events = list(events_of(self.sheet.next(second), self._bodies))
            resent = self.uplink.totals.resent
            await self.uplink.send(events)
            if self.uplink.totals.resent > resent:  # a hub that was unsure once is unsure of what it sent before, too
                await self.uplink.send(before)
            before = events[:BATCH_EVENTS]
            self.confirmed_s = second
            self.longest_wait_s = max(self.longest_wait_s, system_clock() / 1_000 - second - 1)
            second += 1
        await self.uplink.close()

    def finish(self) -> None:
        """Stop after the second in work, when all before it have been confirmed."""
        self._stop.set()

    @property
    def behind_s(self) -> float:
        """By how much what is confirmed lags behind what is measured."""
        if self._stop.is_set() or not self.confirmed_s:
            return 0.0
        return system_clock() / 1_000 - self.confirmed_s

    async def _knows(self, client: httpx.AsyncClient, members: set[int]) -> bool:
        try:
            answer = await client.get("/v1/sessions")
        except httpx.TransportError:
            return False
        if answer.status_code != httpx.codes.OK:
            return False
        running = {s["session_id"]: s for s in answer.json()["sessions"]}
        known = running.get(self.sheet.session_id, {"participants": []})["participants"]
        return bool(known) and members <= {p["participant"]["member_id"] for p in known}
