"""uvicorn's HTTP with bounds that it lacks: how large a request's head may be, and how long it may take to come."""

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 64 * 1024
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class StrictHttp(HttpToolsProtocol):
    """For `uvicorn.run(http=StrictHttp)`. A connection that says nothing, or too much, before its request's end is closed."""

    head_within_s = 10.0
    _deadline: TimerHandle | None = None
    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.write(REFUSAL)
                self.transport.close()

    def _expect_head(self) -> None:
        self._head_is_there()
        self._deadline = self.loop.call_later(self.head_within_s, self.transport.close)

    def _head_is_there(self) -> None:
        self._in_head = False
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
