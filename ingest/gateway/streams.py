"""The WebSocket `/v1/stream`: a hub's events as they happen, each frame answered when Kafka has its events."""

import asyncio
from typing import Any

import msgspec
from fastapi import WebSocket, WebSocketDisconnect
from msgspec import Raw, Struct

from infra.telemetry.metrics import REQUESTS_REFUSED, STREAMS_OPEN
from ingest.decoding import UNDECODABLE, Malformed, TooMany, split_json
from ingest.gateway.access import Access, Unauthorized
from ingest.gateway.door import Door
from ingest.outcomes import SlowDown
from schemas.directory import DeviceRecord, DirectoryRecord

HELLO_WITHIN_S = 10
CLOSE_UNAUTHORIZED = 4401
CLOSE_NO_HELLO = 4408
STREAMS_MAX = 2_000


class Hello(Struct, frozen=True, tag="hello"):
    """The first frame of a hub that could not set an `Authorization` header."""

    token: str


class EventsFrame(Struct, frozen=True, tag="events"):
    """`id` is the hub's own count; the answer carries it back."""

    id: int
    events: Raw


_frame = msgspec.json.Decoder(Hello | EventsFrame)
_encode = msgspec.json.Encoder().encode


class Streams:
    """All open streams of this gateway, by device token, so that a revoked one ends at once."""

    def __init__(self, access: Access, door: Door) -> None:
        self._access = access
        self._door = door
        self._open: dict[WebSocket, DeviceRecord] = {}
        self._held = 0
        """All streams, also those that have not said hello."""
        self._closing: set[asyncio.Task[None]] = set()

    async def serve(self, socket: WebSocket) -> None:
        """Hold one stream from handshake to close."""
        await socket.accept()
        if self._held >= STREAMS_MAX:
            await _refuse(socket, 1013, "too_many_streams")
            return
        self._held += 1
        try:
            device = await self._greet(socket)
            self._open[socket] = device
            STREAMS_OPEN.set(len(self._open))
            await _send(socket, {"type": "welcome", "device_id": device.device_id, "scope": device.scope})
            while True:
                await self._take_frame(socket, device)
        except Unauthorized as refusal:
            await _refuse(socket, CLOSE_UNAUTHORIZED, str(refusal))
        except TimeoutError:
            await _refuse(socket, CLOSE_NO_HELLO, "no hello came")
        except (WebSocketDisconnect, RuntimeError):
            # starlette raises RuntimeError when a frame is sent to a stream that has just been closed
            return
        finally:
            self._held -= 1
            self._open.pop(socket, None)
            STREAMS_OPEN.set(len(self._open))

    def hear(self, record: DirectoryRecord, loop: asyncio.AbstractEventLoop) -> None:
        """Directory news, on the directory's thread: streams of a revoked token are closed."""
        if getattr(record, "revoked", False) and not loop.is_closed():
            loop.call_soon_threadsafe(self._close_revoked, getattr(record, "token_id", ""))

    def close_all(self) -> None:
        """The gateway stops: tell every hub to come back."""
        for socket in list(self._open):
            self._close_later(socket, 1012, "the gateway restarts")

    def _close_revoked(self, token_id: str) -> None:
        for socket, device in list(self._open.items()):
            if device.token_id == token_id:
                self._close_later(socket, CLOSE_UNAUTHORIZED, "this device token was revoked")

    def _close_later(self, socket: WebSocket, code: int, reason: str) -> None:
        task = asyncio.get_running_loop().create_task(_close(socket, code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _greet(self, socket: WebSocket) -> DeviceRecord:
        header = socket.headers.get("authorization")
        if header is not None:
            return self._access.bearer(header)
        first = await asyncio.wait_for(_receive(socket), HELLO_WITHIN_S)
        try:
            hello = _frame.decode(first)
        except UNDECODABLE:
            raise Unauthorized("the first frame must be a hello with the device token") from None
        if not isinstance(hello, Hello):
            raise Unauthorized("the first frame must be a hello with the device token")
        return self._access.device(hello.token)

    async def _take_frame(self, socket: WebSocket, device: DeviceRecord) -> None:
        content = await _receive(socket)
        frame_id: int | None = None
        try:
            frame = _frame.decode(content)
            if not isinstance(frame, EventsFrame):
                raise Malformed("the hello has been said already")
            frame_id = frame.id
            answer = await self._door.take("stream", device, split_json(bytes(frame.events)))
            await _send(socket, {"type": "ack", "id": frame_id, **msgspec.structs.asdict(answer)})
        except SlowDown as slow:
            REQUESTS_REFUSED.labels("stream", "slow_down").inc()
            note = {"type": "slow_down", "id": frame_id, "retry_after_s": round(slow.retry_after_s, 3), "detail": slow.problem}
            await _send(socket, note)
        except (*UNDECODABLE, Malformed, TooMany) as fault:
            reason = "too_many" if isinstance(fault, TooMany) else "malformed"
            if reason == "malformed":
                self._door.keep_malformed("stream", device, content, str(fault))
            REQUESTS_REFUSED.labels("stream", reason).inc()
            await _send(socket, {"type": "error", "id": frame_id, "reason": reason, "detail": str(fault)})


async def _receive(socket: WebSocket) -> bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    return text.encode("utf-8", "surrogatepass") if text is not None else bytes(message.get("bytes") or b"")


async def _send(socket: WebSocket, content: dict[str, Any]) -> None:
    await socket.send_text(_encode(content).decode())


async def _refuse(socket: WebSocket, code: int, reason: str) -> None:
    REQUESTS_REFUSED.labels("stream", str(code)).inc()
    await _close(socket, code, reason)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    try:
        await socket.close(code, reason)
    except (RuntimeError, WebSocketDisconnect):
        return  # it has gone by itself
