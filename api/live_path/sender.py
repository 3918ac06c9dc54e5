"""Sends the synthetic member's values to the gateway, as a strap does, and hears from the hub what comes back.

Every API does so for itself: the way ends in its own hub, and two of them do not know each other's values. The right to send is
a device token that all APIs of a house derive from the same secret; it is told to the gateway by way of the directory, once.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress

import httpx
import msgspec

from api.live_path.watch import LivePath, Watch
from infra.clock import Clock
from infra.errors import Unavailable
from infra.ordered_publisher import OrderedPublisher, Outgoing
from infra.settings import Settings
from infra.telemetry.logs import logger
from infra.telemetry.metrics import SYNTHETIC_MISSING, SYNTHETIC_SECONDS
from schemas.directory import directory_key
from schemas.synthetic import synthetic_device, synthetic_round
from schemas.topics import DIRECTORY

log = logger(__name__)
PATIENCE_S = 10.0
RETRY_S = 2.0
"""After a round that did not get through the door; one that did is waited for."""
TELL_WITHIN_S = 5.0
PURPOSE = b"paceline synthetic member"


class SyntheticMember:
    """One API's. `elapsed_s` only goes forward; `hears` tells whether the hub hears Kafka, before which nothing is sent."""

    def __init__(
        self, settings: Settings, clock: Clock, elapsed_s: Callable[[], float], sender: str, hears: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._sender = sender
        self._hears = hears
        self._token = f"pd_{hmac.new(settings.jwt_secret.get_secret_value().encode(), PURPOSE, 'sha256').hexdigest()}"
        self._watch = Watch(sender, settings.synthetic_every_s, elapsed_s())
        self._task: asyncio.Task[None] | None = None
        self._shown = ""

    async def start(self) -> None:
        """Send, until `stop`, unless the settings say never."""
        if self._settings.synthetic_every_s:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def came_back(self, event_id: str) -> None:
        """The hub has heard a synthetic value."""
        took_s = self._watch.came(event_id, self._elapsed_s())
        if took_s is not None:
            SYNTHETIC_SECONDS.observe(took_s)

    def standing(self) -> LivePath:
        """How the live path stands now."""
        return self._watch.standing(self._elapsed_s())

    async def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False) as client:
            while True:
                begun_s, taken = self._elapsed_s(), False
                try:
                    taken = self._hears() and await self._round(client)
                except Exception:  # whatever it was: /health tells that nothing comes back
                    log.exception("synthetic_round_failed")
                self._tell()
                pause_s = self._settings.synthetic_every_s if taken else min(RETRY_S, self._settings.synthetic_every_s)
                await asyncio.sleep(max(0.1, pause_s - (self._elapsed_s() - begun_s)))

    async def _round(self, client: httpx.AsyncClient) -> bool:
        """Send one; whether the gateway took it."""
        number = self._watch.send(self._elapsed_s())
        body = msgspec.json.encode(synthetic_round(self._sender, number, self._clock()))
        url = f"{self._settings.gateway_url}/v1/events"
        try:
            answer = await client.post(url, content=body)
        except httpx.HTTPError as failure:
            problem = f"The gateway at {self._settings.gateway_url} does not answer ({type(failure).__name__})"
            self._watch.refused(number, problem, "Start it, or say by PACELINE_GATEWAY where the API reaches it.")
            return False
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            problem = "The gateway does not know the synthetic member's token"
            self._watch.refused(
                number, problem, "It learns it from Kafka's topic `directory`: `paceline doctor` says whether that moves."
            )
            await asyncio.to_thread(self._introduce)
        elif not answer.is_success:
            problem = f"The gateway refuses the synthetic member's values (HTTP {answer.status_code}): {answer.text[:200]}"
            self._watch.refused(number, problem, "With 503 Kafka is slow or away; else gateway and API are not of one release.")
        return answer.is_success

    def _introduce(self) -> None:
        """Tell the gateways, by the directory, which token is the synthetic member's."""
        device = synthetic_device(hashlib.sha256(self._token.encode()).hexdigest())
        message = Outgoing(DIRECTORY.name, directory_key(device), msgspec.json.encode(device), f"synthetic-{self._sender}")
        publisher, deadline_s = OrderedPublisher(self._settings), self._elapsed_s() + TELL_WITHIN_S
        try:
            publisher.publish([message], lambda: self._elapsed_s() < deadline_s)
        except Unavailable as failure:
            log.warning("synthetic_member_not_introduced", failure=failure.problem)
        finally:
            publisher.close()

    def _tell(self) -> None:
        """By metric, and in the log when it changes."""
        path = self.standing()
        SYNTHETIC_MISSING.set(path.state == "missing")
        if path.state != self._shown:
            self._shown = path.state
            tell = log.warning if path.state in {"slow", "missing"} else log.info
            tell("live_path", state=path.state, last_ms=path.last_ms, problem=path.problem, remedy=path.remedy)
