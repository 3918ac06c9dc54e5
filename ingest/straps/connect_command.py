"""`paceline strap connect`: the process for a laptop or a Raspberry Pi in the room."""

import asyncio
import random
import re
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from infra.clock import Clock
from infra.errors import PacelineError
from ingest.device_client import StreamUplink
from ingest.straps.assignments import Assigning
from ingest.straps.ending import end
from ingest.straps.forwarding import Forwarder
from ingest.straps.hub import Hub
from ingest.straps.radio import Radio
from ingest.straps.store import EventStore

ADDRESS = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
"""Six bytes; on macOS, which hides them, an id of its own."""


@dataclass(frozen=True)
class ConnectRequest:
    """What the person asked for. `members`: whose strap each address is; none: as the API says."""

    members: dict[str, int]
    gateway_url: str
    api_url: str
    token: str
    store: Path


def assignments_of(texts: Sequence[str]) -> dict[str, int]:
    """`ADDRESS=MEMBER_ID` as a person writes it. Raises PacelineError."""
    found: dict[str, int] = {}
    for text in texts:
        address, _equals, member = text.strip().upper().rpartition("=")
        if not ADDRESS.fullmatch(address) or not member.isdecimal() or int(member) < 1:
            raise PacelineError(
                f"{text!r} is no strap and member",
                "Write ADDRESS=MEMBER_ID, such as C0:FF:EE:12:34:56=7; see `paceline strap scan`.",
            )
        if found.setdefault(address, int(member)) != int(member):
            raise PacelineError(f"{address} is given to two members", "A strap is one member's at a time.")
    return found


async def connect(request: ConnectRequest, radio: Radio, clock: Clock, rng: random.Random, console: Console) -> None:
    """Run until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    if not request.token:
        raise PacelineError(
            "There is no device token to send with", "Give a hub's token with --token or PACELINE_DEVICE_TOKEN."
        )
    store = EventStore(request.store)
    uplink = StreamUplink(request.gateway_url, request.token, rng)
    forwarder = Forwarder(store, uplink, say)
    hub = Hub(radio, forwarder.keep, say, clock=clock, rng=rng)
    whose = f"{len(request.members)} straps" if request.members else f"the straps given to members at {request.api_url}"
    say(f"Following {whose} for {request.gateway_url}; {store.waiting} events wait from before.")
    try:
        await _follow(hub, forwarder, _assigned(hub, request, clock, say), stop)
    finally:
        await uplink.close()
        say(f"Over: {uplink.totals}; {store.waiting} events wait in {request.store}, {store.lost + forwarder.lost} were lost.")
        store.close()


async def _assigned(hub: Hub, request: ConnectRequest, clock: Clock, say: Callable[[str], None]) -> None:
    """Keep the hub on the right straps, for ever."""
    if request.members:
        hub.assign(request.members)
        await asyncio.Event().wait()
    memory = request.store.with_suffix(".members.json")
    await Assigning(hub, request.api_url, request.token, memory, say, clock=clock).run()


async def _follow(hub: Hub, forwarder: Forwarder, assigned: Coroutine[None, None, None], stop: asyncio.Event) -> None:
    """Links end before the sending does, so that their last values are sent."""
    measured = asyncio.Event()
    measuring = [asyncio.create_task(assigned), asyncio.create_task(hub.run())]
    sending = asyncio.create_task(forwarder.run(measured))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*measuring, sending, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await end(measuring)
    measured.set()
    await sending
    for task in measuring:
        if not task.cancelled():
            task.result()
