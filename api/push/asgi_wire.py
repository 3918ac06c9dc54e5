"""A socket on any ASGI server: one task writes what waits, so that nobody waits for a slow client."""

import asyncio
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from api.push.frame import Frame, close_reason

WAITING_BYTES_MAX = 16_384


class AsgiWire:
    """The plain way, for servers without RawWS. `run` must be running as a task while the socket is open."""

    def __init__(self, websocket: WebSocket) -> None:
        self.on_writable: Callable[[], None] | None = None
        self._websocket = websocket
        self._waiting: deque[Frame] = deque()
        self._waiting_bytes = 0
        self._goodbye: tuple[int, str] | None = None
        self._something = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def paused(self) -> bool:
        return self._waiting_bytes >= WAITING_BYTES_MAX

    @property
    def closed(self) -> bool:
        return self._closed or self._goodbye is not None

    def start(self) -> None:
        """Start the writing task."""
        self._task = asyncio.create_task(self._run(), name="socket-writer")

    def write(self, frame: Frame) -> None:
        if not self.closed:
            self._waiting.append(frame)
            self._waiting_bytes += len(frame.text)
            self._something.set()

    def finish(self, code: int, reason: str) -> None:
        if not self.closed:
            self._goodbye = (code, reason)
            self._something.set()

    def abort(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    async def drained(self) -> None:
        """Wait for the writing task to end; the socket has been finished or lost."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=2)
            self.abort()

    async def _run(self) -> None:
        try:
            while await self._write_waiting():
                self._something.clear()
                if self.on_writable is not None:
                    self.on_writable()
                if not (self._waiting or self._goodbye):
                    await self._something.wait()
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._closed = True  # lost while writing: the reading side learns of it too

    async def _write_waiting(self) -> bool:
        """Write all that waits; false after the close."""
        while self._waiting:
            frame = self._waiting.popleft()
            self._waiting_bytes -= len(frame.text)
            await self._websocket.send_text(frame.text.decode())
        if self._goodbye is None:
            return True
        code, reason = self._goodbye
        self._closed = True
        await self._websocket.close(code, close_reason(reason))
        return False
