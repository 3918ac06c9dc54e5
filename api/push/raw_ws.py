"""uvicorn's WebSocket protocol, opened at one place: a frame that was made once is written to many sockets as it is.

The connection appears as `scope["extensions"]["raw_ws"]`. Compression is negotiated without context takeover, so that one
compressed frame serves every socket. Leans on uvicorn's internals: tests/push/test_raw_ws.py is the contract.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol

from api.push.frame import DEFLATE_WINDOW_BITS, Frame, close_reason
from api.push.limits import MAX_FRAME_BYTES
from api.push.protocol import CloseCode

NOT_SENT_BYTES_MAX = 16_384
"""What the kernel may hold unsent: more would hide seconds of stale metrics from us."""
BUFFER_HIGH_BYTES = 65_536
BUFFER_LOW_BYTES = 8_192
CLOSE_PATIENCE_S = 2.0
PING_S = 15.0
"""Between pings, and until a pong must have come: together the 30 s after which a silent client counts as gone."""


class RawWS(WebSocketsSansIOProtocol):
    """A `Wire` (see connection.py) as well as uvicorn's protocol. Choose it with `uvicorn.Config(ws=RawWS)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        extensions = []
        if self.config.ws_per_message_deflate:
            extensions.append(
                ServerPerMessageDeflateFactory(
                    server_no_context_takeover=True,
                    client_no_context_takeover=True,
                    server_max_window_bits=DEFLATE_WINDOW_BITS,
                    client_max_window_bits=DEFLATE_WINDOW_BITS,
                )
            )
        self.conn = ServerProtocol(extensions=extensions, max_size=MAX_FRAME_BYTES, logger=self.logger)
        self.ping_interval = self.ping_timeout = PING_S
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.paused = False
        self._deflates = False

    @property
    def closed(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER_HIGH_BYTES, low=BUFFER_LOW_BYTES)
        inner = transport.get_extra_info("socket")
        if inner is not None and inner.family in {socket.AF_INET, socket.AF_INET6} and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_BYTES_MAX)

    async def run_asgi(self) -> None:
        cast("dict[str, object]", self.scope["extensions"])["raw_ws"] = self
        await super().run_asgi()

    def opened(self) -> None:
        """To be called once the handshake is answered: only then it is known what was negotiated."""
        self._deflates = any(
            isinstance(extension, PerMessageDeflate)
            and extension.local_no_context_takeover
            and extension.local_max_window_bits >= DEFLATE_WINDOW_BITS
            for extension in self.conn.extensions
        )

    def write(self, frame: Frame) -> None:
        """Write without waiting; the caller looks at `paused` before."""
        if not self.closed:
            self.transport.write(frame.deflated if self._deflates else frame.plain)

    def finish(self, code: int, reason: str) -> None:
        if self.closed:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, close_reason(reason))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_PATIENCE_S, self.abort)

    def abort(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        self.paused = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self.paused = False
        super().resume_writing()
        if self.on_writable is not None and not self.closed:
            self.on_writable()

    def keepalive_timeout(self) -> None:
        """No pong: what lies in the buffer will not be read either, so nothing is waited for."""
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.closed:
            self.finish(CloseCode.SLOW, "no pong")

    def shutdown(self) -> None:
        """uvicorn stops: our own goodbye goes first, with a time to come back at."""
        if self.on_shutdown is not None and not self.closed:
            self.on_shutdown()
        else:
            super().shutdown()


def uvicorn_options() -> dict[str, Any]:
    """The keyword arguments for `uvicorn.Config` under which the live WebSocket keeps its promises."""
    return {
        "ws": RawWS,
        "ws_max_size": MAX_FRAME_BYTES,
        "ws_ping_interval": PING_S,
        "ws_ping_timeout": PING_S,
        "ws_per_message_deflate": True,
        "backlog": 4_096,
        "timeout_graceful_shutdown": 5,
    }
