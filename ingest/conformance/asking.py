"""How the kit talks to the gateway: as any source would, with patience, and without hiding a single answer."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import connect

from infra.errors import PacelineError
from ingest.conformance.samples import Event, Samples
from ingest.device_client import Reply

TRIES = 10
ANSWER_WITHIN_S = 30
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Answer:
    """One answer of the gateway."""

    status: int
    reply: Reply

    @property
    def reasons(self) -> list[str]:
        return [str(refused.get("reason")) for refused in self.reply.rejected] or (
            [self.reply.reason] if self.reply.reason else []
        )

    def __str__(self) -> str:
        exits = f"{self.reply.accepted} accepted, {self.reply.doubled} doubled, {len(self.reply.rejected)} rejected"
        return f"{self.status}: {exits}{''.join(f' ({reason})' for reason in dict.fromkeys(self.reasons))}"


@dataclass
class Asking:
    """A gateway under test. Every event that was given to it is counted, and every exit."""

    http: httpx.AsyncClient
    token: str
    samples: Samples
    now_ms: int
    sent: int = field(default=0)
    accounted: int = field(default=0)

    async def post(self, events: list[Event]) -> Answer:
        """Send a batch until it is answered for good; "wait" and "unconfirmed" are no answers yet."""
        answer = await self.post_bytes(encode(events))
        reply = answer.reply
        self.sent += len(events)
        self.accounted += reply.accepted + reply.doubled + len(reply.rejected)
        return answer

    async def post_bytes(self, body: bytes, content_type: str = "application/json") -> Answer:
        """Send a body as it is."""
        for _ in range(TRIES):
            response = await self._post(body, content_type)
            if response.status_code not in {429, 503}:
                return Answer(response.status_code, _decoded(response))
            await asyncio.sleep(float(response.headers.get("retry-after", 1)))
        raise PacelineError(
            f"The gateway answered {response.status_code} {TRIES} times", "Is Kafka running, and the token's rate enough?"
        )

    async def stream(self, events: list[Event]) -> Reply:
        """Send a frame over a stream of its own."""
        address = str(self.http.base_url).rstrip("/").replace("http", "ws", 1) + "/v1/stream"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with connect(address, additional_headers=headers, proxy=None) as socket:
            await socket.send(encode({"type": "events", "id": 1, "events": events}).decode())
            while True:
                frame: dict[str, Any] = msgspec.json.decode(await asyncio.wait_for(socket.recv(), ANSWER_WITHIN_S))
                if frame.get("id") == 1 or frame.get("type") == "error":
                    return msgspec.convert(frame, Reply)

    async def _post(self, body: bytes, content_type: str) -> httpx.Response:
        return await self.http.post("/v1/events", content=body, headers={"Content-Type": content_type})


def _decoded(response: httpx.Response) -> Reply:
    try:
        return msgspec.json.decode(response.content, type=Reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reply(reason="not an answer of a gateway")
