"""A device's side of the gateway: send, wait for the answer, and send the same again whenever it was not confirmed."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from infra.errors import PacelineError
from ingest.gateway.running import RunningSessions
from schemas.events import DeviceEvent

BACKOFF_S = 0.2
BACKOFF_MAX_S = 5.0
BATCH_EVENTS = 1_000
NO_TOKEN = "Give a device token with --token or PACELINE_DEVICE_TOKEN; trainers and admins make them."  # noqa: S105 - advice
encode = msgspec.json.Encoder().encode


class Reply(Struct):
    """What the gateway says about a batch, over either door."""

    accepted: int = 0
    doubled: int = 0
    rejected: list[dict[str, Any]] = []
    unconfirmed: int = 0
    type: str = "ack"
    id: int | None = None
    retry_after_s: float = 1.0
    reason: str = ""
    detail: str = ""


@dataclass
class Totals:
    """What became of everything that was sent."""

    accepted: int = 0
    doubled: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    resent: int = 0
    first_refusal: str = ""

    def add(self, reply: Reply) -> None:
        """Count one confirmed batch."""
        self.accepted += reply.accepted
        self.doubled += reply.doubled
        for refused in reply.rejected:
            self.rejected[str(refused.get("reason"))] += 1
            self.first_refusal = self.first_refusal or f"{refused.get('reason')}: {refused.get('detail')}"

    def __str__(self) -> str:
        refused = "".join(f", {count} rejected ({reason})" for reason, count in self.rejected.items())
        return f"{self.accepted} accepted, {self.doubled} doubled{refused}"


class Uplink(Protocol):
    """A way to the gateway. `send` returns when every event has left by its exit, however long the gateway is away."""

    totals: Totals

    async def send(self, events: Sequence[DeviceEvent]) -> None: ...

    async def close(self) -> None: ...


class Backoff:
    """Waiting times that double and are spread, so that many devices do not come back at once."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next_s = BACKOFF_S

    def reset(self) -> None:
        self._next_s = BACKOFF_S

    async def wait(self) -> None:
        """Sleep a little longer than last time."""
        await asyncio.sleep(self._next_s * self._rng.uniform(0.5, 1))
        self._next_s = min(BACKOFF_MAX_S, self._next_s * 2)


class HttpUplink:
    """Batches over `POST /v1/events`."""

    def __init__(self, gateway_url: str, token: str, rng: random.Random, *, history: bool = False) -> None:
        self.totals = Totals()
        self._client = open_http(gateway_url, token)
        self._backoff = Backoff(rng)
        self._parameters = {"history": "true"} if history else {}

    async def send(self, events: Sequence[DeviceEvent]) -> None:
        for start in range(0, len(events), BATCH_EVENTS):
            body = encode(events[start : start + BATCH_EVENTS])
            while not await self._post(body):
                self.totals.resent += 1

    async def _post(self, body: bytes) -> bool:
        """Whether the batch has been confirmed."""
        try:
            response = await self._client.post("/v1/events", content=body, params=self._parameters)
        except httpx.TransportError:
            await self._backoff.wait()
            return False
        if response.status_code in {429, 503}:
            await asyncio.sleep(float(response.headers.get("retry-after", 1)))
            return False
        if response.status_code == 408 or response.status_code >= 500:  # a slow link, or a proxy whose gateway is away
            await self._backoff.wait()
            return False
        try:
            reply = msgspec.json.decode(response.content, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise refused_by_gateway(response.status_code, response.text[:200]) from None
        if response.status_code not in {200, 422} and not reply.rejected:
            raise refused_by_gateway(response.status_code, reply.detail)
        self.totals.add(reply)
        self._backoff.reset()
        return True

    async def close(self) -> None:
        await self._client.aclose()


class StreamUplink:
    """Frames over the WebSocket `/v1/stream`; reconnects by itself."""

    def __init__(self, gateway_url: str, token: str, rng: random.Random) -> None:
        self.totals = Totals()
        self._url = gateway_url.replace("http", "ws", 1) + "/v1/stream"
        self._token = token
        self._backoff = Backoff(rng)
        self._socket: ClientConnection | None = None
        self._frames = 0

    async def send(self, events: Sequence[DeviceEvent]) -> None:
        for start in range(0, len(events), BATCH_EVENTS):
            batch = events[start : start + BATCH_EVENTS]
            while not await self._send_frame(batch):
                self.totals.resent += 1

    async def _send_frame(self, batch: Sequence[DeviceEvent]) -> bool:
        """Whether the frame has been confirmed."""
        self._frames += 1
        try:
            socket = self._socket or await self._connect()
            await socket.send(encode({"type": "events", "id": self._frames, "events": batch}).decode())
            reply = await self._answer(socket)
        except ConnectionClosed as closed:
            self._socket = None
            if closed.rcvd and closed.rcvd.code == 4401:
                raise refused_by_gateway(401, closed.rcvd.reason) from None
            await self._backoff.wait()
            return False
        except (OSError, InvalidHandshake, TimeoutError):
            self._socket = None
            await self._backoff.wait()
            return False
        if reply.type == "error":
            raise refused_by_gateway(422, reply.detail)
        if reply.type == "slow_down" or reply.unconfirmed:
            await asyncio.sleep(reply.retry_after_s)
            return False
        self.totals.add(reply)
        self._backoff.reset()
        return True

    async def _connect(self) -> ClientConnection:
        try:
            self._socket = await connect(
                self._url, additional_headers={"Authorization": f"Bearer {self._token}"}, proxy=None, open_timeout=5
            )
        except InvalidStatus as refused:
            if refused.response.status_code in {401, 403}:
                raise refused_by_gateway(refused.response.status_code, "the stream was refused") from None
            raise
        return self._socket

    async def _answer(self, socket: ClientConnection) -> Reply:
        while True:
            reply = msgspec.json.decode(await asyncio.wait_for(socket.recv(), 30), type=Reply)
            if reply.id == self._frames or reply.type == "error":
                return reply

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()


def open_http(gateway_url: str, token: str) -> httpx.AsyncClient:
    """A client with the device's token."""
    if not token:
        raise PacelineError("There is no device token to send with", NO_TOKEN)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return httpx.AsyncClient(base_url=gateway_url, headers=headers, timeout=30, trust_env=False)


async def ask_running_sessions(gateway_url: str, token: str) -> RunningSessions:
    """The sessions that run now, as this token may see them."""
    async with open_http(gateway_url, token) as client:
        try:
            response = await client.get("/v1/sessions")
        except httpx.TransportError as fault:
            raise PacelineError(f"The gateway at {gateway_url} does not answer: {fault}", "Is `paceline up` running?") from None
    if response.status_code != 200:
        raise refused_by_gateway(response.status_code, response.text[:200])
    return msgspec.json.decode(response.content, type=RunningSessions)


def refused_by_gateway(status: int, detail: str) -> PacelineError:
    """A refusal that sending again cannot heal."""
    return PacelineError(f"The gateway refused with {status}: {detail}", NO_TOKEN if status in {401, 403} else "")
