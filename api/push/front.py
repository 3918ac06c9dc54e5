"""The way to the live WebSocket, past the routes: a storm of reconnects need not be compared with every one of them."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api.push.door import serve
from api.push.hub import PushHub

LIVE_PATH = "/api/v1/live/ws"


class LiveFront:
    """In front of an application; everything but the live socket goes on to it."""

    def __init__(self, app: ASGIApp, hub: PushHub) -> None:
        self.app = app
        self.hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == LIVE_PATH:
            await serve(self.hub, WebSocket(scope, receive, send))
        else:
            await self.app(scope, receive, send)
