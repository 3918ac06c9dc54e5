"""A bus of the test's own, where straps may be mocked; and what to look at the links through."""

import asyncio
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from infra.clock import system_clock
from ingest.device_client import Totals
from ingest.straps.hub import Hub
from ingest.straps.link import Timing
from ingest.straps.radio import Radio
from schemas.events import DeviceEvent

QUICK = Timing(first_rest_s=0.05, longest_rest_s=0.2, silence_s=60, battery_every_s=0.2)


@pytest.fixture(scope="session")
def bus_address() -> Iterator[str]:
    """A D-Bus daemon on which nobody else is."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("SKIPPED LOUDLY: no dbus-daemon on this machine, so no BlueZ can be mocked; bumble stands in")
    arguments = ["dbus-daemon", "--session", "--nofork", "--print-address=1", "--address=unix:tmpdir=/tmp"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout
        yield daemon.stdout.readline().strip()
        daemon.terminate()


@pytest.fixture
def bus(bus_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the bus that bleak takes for the system's."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_address)
    return bus_address


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for it in this loop; fail with `what` after a minute."""
    for _ in range(6_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"after 60 s still not: {what}")


@dataclass
class Followed:
    """A hub at work: what it measured and what it said."""

    hub: Hub
    events: list[DeviceEvent] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def heard(self, text: str) -> int:
        return sum(text in line for line in self.said)


@asynccontextmanager
async def following(members: dict[str, int], radio: Radio | None = None, timing: Timing = QUICK) -> AsyncIterator[Followed]:
    """A hub that follows these straps."""
    events: list[DeviceEvent] = []
    said: list[str] = []
    hub = Hub(radio or Radio(), events.extend, said.append, clock=system_clock, rng=random.Random(1), timing=timing)
    hub.assign(members)
    running = asyncio.create_task(hub.run())
    try:
        yield Followed(hub, events, said)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class FakeGateway:
    """The far end of an uplink: there or away, it keeps what it has confirmed."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.received: list[DeviceEvent] = []
        self.here = asyncio.Event()

    async def send(self, events: Sequence[DeviceEvent]) -> None:
        await self.here.wait()
        self.received += events

    async def close(self) -> None:
        """Nothing is open."""
