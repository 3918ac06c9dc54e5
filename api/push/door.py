"""One live WebSocket from the knock to the end: origin, admission, token, hello, then frames as they come."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from api.errors import Unauthorized
from api.principal import Principal
from api.push import protocol
from api.push.asgi_wire import AsgiWire
from api.push.connection import Connection, Wire
from api.push.conversation import Conversation
from api.push.hub import PushHub
from api.push.limits import HELLO_WITHIN_S, MAX_FRAME_BYTES, PLAIN_CLIENT_AFTER_S
from api.push.protocol import CloseCode, Hello, client_frame_decoder
from api.push.raw_ws import RawWS
from infra.telemetry.metrics import SOCKETS_REFUSED
from schemas.unreadable import UNREADABLE


class Refused(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: CloseCode, reason: str, after_ms: tuple[int, int] = (0, 2_000)) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.after_ms = after_ms


async def serve(hub: PushHub, websocket: WebSocket) -> None:
    """Serve one socket until it ends. Refusals are told in words and by close code, so the handshake is always answered."""
    await websocket.accept()
    wire = _wire(websocket)
    try:
        _admit(hub, websocket)
        token = _bearer(websocket)
        hello = await _hello(websocket, plain_allowed=token is not None)
        user = _verify(hub, token, hello)
        if not hub.sockets.has_room_for(user):
            raise Refused(CloseCode.TOO_MUCH, "Too many open sockets of this user.", (5_000, 30_000))
        connection = hub.connect(wire, user)
        if isinstance(wire, RawWS):
            wire.on_shutdown = lambda: hub.sockets.send_away(connection)
        try:
            await _talk(hub, websocket, connection, hello)
        finally:
            hub.sockets.remove(connection)
    except Refused as refusal:
        SOCKETS_REFUSED.labels(str(int(refusal.code))).inc()
        wire.write(protocol.bye(refusal.code, refusal.reason, refusal.after_ms))
        wire.finish(refusal.code, refusal.reason)
    except WebSocketDisconnect:
        pass
    finally:
        if isinstance(wire, AsgiWire):
            await wire.drained()


def _wire(websocket: WebSocket) -> Wire:
    raw = websocket.scope.get("extensions", {}).get("raw_ws")
    if isinstance(raw, RawWS):
        raw.opened()
        return raw
    wire = AsgiWire(websocket)
    wire.start()
    return wire


def _admit(hub: PushHub, websocket: WebSocket) -> None:
    if not hub.serving:
        raise Refused(CloseCode.RESTART, "The server is not ready yet.", (1_000, 4_000))
    if not hub.sockets.admits():
        raise Refused(CloseCode.TOO_MUCH, "Too many clients arrive at once.", (1_000, 4_000))
    origin = websocket.headers.get("origin")
    if origin is not None and not origin_allowed(origin, websocket.headers.get("host", ""), hub.settings.public_origins):
        raise Refused(CloseCode.FORBIDDEN, f"Pages of {origin[:100]} may not open this socket.")


def origin_allowed(origin: str, host: str, public_origins: str) -> bool:
    """A page of this very host, or of an origin that the operator named. Clients that are no pages send no origin."""
    named = {entry.strip().rstrip("/").lower() for entry in public_origins.split(",") if entry.strip()}
    parts = urlsplit(origin.lower())
    return origin.lower() in named or (parts.scheme in {"http", "https"} and bool(host) and parts.netloc == host.lower())


def _bearer(websocket: WebSocket) -> str | None:
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def _hello(websocket: WebSocket, *, plain_allowed: bool) -> Hello | None:
    """The first frame; none from a plain client, which authenticated by header and waits."""
    try:
        text = await asyncio.wait_for(read_text(websocket), PLAIN_CLIENT_AFTER_S if plain_allowed else HELLO_WITHIN_S)
    except TimeoutError:
        if plain_allowed:
            return None
        raise Refused(CloseCode.SLOW, f"No hello came within {HELLO_WITHIN_S:.0f} s.") from None
    frame = decode_frame(text)
    if not isinstance(frame, Hello):
        raise Refused(CloseCode.BAD_FRAME, "The first frame must be hello.")
    return frame


def _verify(hub: PushHub, bearer: str | None, hello: Hello | None) -> Principal:
    token = (hello.token if hello else None) or bearer
    if not token:
        raise Refused(CloseCode.UNAUTHORIZED, "The token is missing: send it in hello or as Authorization: Bearer.")
    try:
        return hub.verify(token)
    except Unauthorized as refusal:
        raise Refused(CloseCode.UNAUTHORIZED, str(refusal)) from None


async def _talk(hub: PushHub, websocket: WebSocket, connection: Connection, hello: Hello | None) -> None:
    conversation = Conversation(hub, connection)
    await conversation.greet(hello)
    try:
        while not connection.wire.closed:
            frame = decode_frame(await read_text(websocket))
            conversation.take(frame)
    except Refused as refusal:
        connection.answer(protocol.refuse(None, protocol.Refusal("bad_frame", refusal.reason)))
        connection.close(refusal.code, refusal.reason)
    finally:
        conversation.end()


async def read_text(websocket: WebSocket) -> str:
    """The next frame's text. Raises WebSocketDisconnect at the end, Refused for what is no text or too long."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text: Any = message.get("text")
    if text is None:
        raise Refused(CloseCode.BAD_FRAME, "Frames are JSON text.")
    if len(text) > MAX_FRAME_BYTES:
        raise Refused(CloseCode.BAD_FRAME, f"A frame has at most {MAX_FRAME_BYTES} bytes.")
    return str(text)


def decode_frame(text: str) -> protocol.ClientFrame:
    """A client's frame. Raises Refused with the place of the fault."""
    try:
        frame: protocol.ClientFrame = client_frame_decoder.decode(text)
    except UNREADABLE as fault:
        raise Refused(CloseCode.BAD_FRAME, f"The frame was not understood: {fault}"[:300]) from None
    return frame
