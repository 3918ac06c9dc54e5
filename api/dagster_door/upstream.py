"""The way to Dagster's webserver: HTTP streamed through, WebSocket frames passed both ways. Nothing of a sign-in goes along."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from api.errors import TryLater
from infra.settings import Settings
from infra.telemetry.logs import logger

log = logger(__name__)
PROTOCOL = Subprotocol("graphql-ws")
PATIENCE_S = 60.0
GONE = 1013
LIMITS = httpx.Limits(max_connections=40, keepalive_expiry=2)
"""Sooner than the webserver closes what is idle, so that no request goes into a connection that is just being closed."""
PASSED_ON = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "content-type",
        "if-modified-since",
        "if-none-match",
        "range",
    ]
)
PASSED_BACK = frozenset(
    [
        "accept-ranges",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "last-modified",
        "vary",
    ]
)
MORE_POLICY = (
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Added to Dagster's own content policy, which names its scripts by a nonce and says nothing about the rest."""


class Upstream:
    """Connects at every request; `serves` tells whether Dagster runs in this house."""

    def __init__(self, settings: Settings) -> None:
        self._socket: Path = settings.dagster_socket_dir / "web.sock"
        self._client: httpx.AsyncClient | None = None

    def serves(self) -> bool:
        return self._socket.is_socket()

    async def passed(self, request: Request) -> Response:
        """Dagster's answer as it comes. Raises TryLater when there is none."""
        headers = {name: value for name, value in request.headers.items() if name in PASSED_ON}
        url = httpx.URL(path=request.url.path, query=request.url.query.encode())
        content = request.stream() if request.method not in {"GET", "HEAD"} else None
        asked = self._open().build_request(request.method, url, headers=headers, content=content)
        try:
            answer = await self._open().send(asked, stream=True)
        except httpx.HTTPError as failure:
            log.warning("dagster_does_not_answer", path=request.url.path, failure=repr(failure))
            raise TryLater("Dagster does not answer: it may be about to start.", kind="dagster_away", retry_after_s=5) from None
        return StreamingResponse(
            _body(answer), answer.status_code, _back(answer.headers), background=BackgroundTask(answer.aclose)
        )

    async def talk(self, websocket: WebSocket) -> None:
        """Pass frames until one side closes."""
        address = f"ws://dagster{websocket.url.path}"
        try:
            async with unix_connect(str(self._socket), address, subprotocols=[PROTOCOL], max_size=None) as dagster:
                await websocket.accept(PROTOCOL)
                await _both_ways(websocket, dagster)
        except (OSError, InvalidHandshake):
            await websocket.close(GONE, "Dagster does not run here.")
            return
        with suppress(RuntimeError, WebSocketDisconnect):  # the browser may have left first
            await websocket.close()

    async def close(self) -> None:
        """Leave."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            transport = httpx.AsyncHTTPTransport(uds=str(self._socket), limits=LIMITS)
            self._client = httpx.AsyncClient(
                transport=transport, base_url="http://dagster", timeout=httpx.Timeout(PATIENCE_S, connect=3), trust_env=False
            )
        return self._client


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """As it is on the wire: it stays compressed."""
    async for part in answer.aiter_raw():
        yield part


def _back(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in headers.items() if name.lower() in PASSED_BACK}
    own = headers.get("content-security-policy")
    if own:
        found["content-security-policy"] = f"{own.strip().rstrip(';')}; {MORE_POLICY}"
    return found


async def _both_ways(websocket: WebSocket, dagster: ClientConnection) -> None:
    async def upwards() -> None:
        with suppress(WebSocketDisconnect, ConnectionClosed):
            while True:
                await dagster.send(await websocket.receive_text())

    async def downwards() -> None:
        with suppress(WebSocketDisconnect, ConnectionClosed):
            async for frame in dagster:
                await websocket.send_text(frame if isinstance(frame, str) else frame.decode())

    tasks = [asyncio.create_task(upwards()), asyncio.create_task(downwards())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
