"""Whose each strap is, as trainers say in the page: asked of the API, which is told in turn what is near."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from infra.clock import Clock
from ingest.straps.hub import Hub
from ingest.straps.link import LinkState

ASK_EVERY_S = 5.0
SIGHTINGS_MAX = 200
AGO_MAX_MS = 24 * 3_600_000
TOKEN_REMEDY = "Give a gateway's token with --token or PACELINE_DEVICE_TOKEN."  # noqa: S105 - advice


class Assigned(Struct, frozen=True):
    """One strap and whose it is."""

    address: str
    member_id: int


class Assignments(Struct, frozen=True):
    """The API's answer."""

    assigned: list[Assigned]


class Assigning:
    """Keeps a hub on the straps that the page names; while the API is away, on those it named last, even after a restart."""

    def __init__(
        self,
        hub: Hub,
        api_url: str,
        token: str,
        memory: Path,
        say: Callable[[str], None],
        *,
        clock: Clock,
        ask_every_s: float = ASK_EVERY_S,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._memory = memory
        self._say = say
        self._ask_every_s = ask_every_s
        self._told: dict[str, tuple[int, str]] = {}
        """Of each strap, which sighting and which state of its link the API knows."""
        self._problem = ""
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=api_url, headers=headers, timeout=10, trust_env=False)

    async def run(self) -> None:
        """Until it is cancelled."""
        self._hub.assign(self._remembered())
        try:
            while True:
                await self._ask()
                await asyncio.sleep(self._ask_every_s)
        finally:
            await self._client.aclose()

    async def _ask(self) -> None:
        news = self._news()
        try:
            sightings = [self._written(address) for address in news]
            response = await self._client.post("/api/v1/straps/sightings", json={"sightings": sightings})
            response.raise_for_status()
            answer = msgspec.json.decode(response.content, type=Assignments)
        except httpx.HTTPStatusError as refused:
            status = refused.response.status_code
            self._tell(f"The API refused with {status}.{' ' + TOKEN_REMEDY if status in {401, 403} else ''}")
            return
        except (httpx.HTTPError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
            self._tell(f"The API does not answer ({type(fault).__name__}): straps stay whose they were.")
            return
        self._problem = ""
        self._told |= news
        members = {each.address: each.member_id for each in answer.assigned}
        if members != {address: strap.member_id for address, strap in self._hub.followed.items()}:
            self._hub.assign(members)
            self._remember(members)

    def _news(self) -> dict[str, tuple[int, str]]:
        """What was seen or has changed since the last time, and the live ones, which advertise no more."""
        now = {address: (seen.seen_at_ms, self._state(address)) for address, seen in self._hub.sightings.items()}
        news = [address for address, each in now.items() if each != self._told.get(address) or each[1] == LinkState.LIVE]
        latest = sorted(news, key=lambda address: now[address], reverse=True)[:SIGHTINGS_MAX]
        return {address: now[address] for address in latest}

    def _state(self, address: str) -> str:
        strap = self._hub.followed.get(address)
        return str(strap.link.state) if strap else "near"

    def _written(self, address: str) -> dict[str, object]:
        seen, strap, state = self._hub.sightings[address], self._hub.followed.get(address), self._state(address)
        ago_ms = 0 if state == LinkState.LIVE else self._clock() - seen.seen_at_ms
        return {
            "address": address,
            "name": seen.name[:64].replace("\x00", ""),
            "measures": ", ".join(seen.services),
            "signal_dbm": max(-127, min(20, seen.signal_dbm)),
            "battery_percent": strap.link.battery_percent if strap else None,
            "state": state,
            "seen_ms_ago": max(0, min(AGO_MAX_MS, ago_ms)),
        }

    def _remember(self, members: dict[str, int]) -> None:
        try:
            self._memory.write_bytes(msgspec.json.encode(members))
        except OSError as fault:
            self._tell(
                f"Whose straps these are is not known after a restart: {self._memory} cannot be written ({fault.strerror})."
            )

    def _remembered(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return {}

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._say(problem)
