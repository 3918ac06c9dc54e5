"""A WebSocket client that costs little, so that a thousand of them leave the processor to what is measured.

Reads what servers of ours send (RFC 6455: unfragmented text, ping, close; permessage-deflate without context takeover) and
writes text frames. Its mask is zero, which the RFC allows nobody who talks through proxies.
"""

import asyncio
import base64
import os
import zlib
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ZERO_MASK = bytes(4)
FLUSH_TAIL = b"\x00\x00\xff\xff"


class LightSocket(asyncio.Protocol):
    """One connection. `on_text` gets every message's bytes at once when they have come; `closed` is done at the end."""

    def __init__(
        self, url: str, on_text: Callable[[bytes], None], headers: dict[str, str] | None = None, deflate: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.bytes_read = 0
        self._url = urlsplit(url)
        self._on_text = on_text
        self._headers = headers or {}
        self._deflate = deflate
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        """Open and shake hands. Raises OSError."""
        await asyncio.get_running_loop().create_connection(lambda: self, self._url.hostname or "", self._url.port or 80)
        await asyncio.wait_for(self.opened, 10)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's derives from nothing
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {self._url.path} HTTP/1.1", f"Host: {self._url.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if self._deflate:
            lines.append("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        self.bytes_read += len(data)
        self._buffer += data
        if not self.opened.done():
            self._shake_hands()
        while self.opened.done() and self._next_frame():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("closed during the handshake"))
        if not self.closed.done():
            self.closed.set_result(1006)

    def send(self, text: bytes) -> None:
        """Write one text frame."""
        self._write(TEXT, text)

    def abort(self) -> None:
        """Cut the connection as a lost network does."""
        if self._transport:
            self._transport.abort()

    @property
    def usable(self) -> bool:
        return self.opened.done() and not self.closed.done()

    def _shake_hands(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        status = bytes(self._buffer[: self._buffer.find(b"\r\n")])
        del self._buffer[: end + 4]
        if b" 101 " not in status:
            self.opened.set_exception(ConnectionRefusedError(status.decode(errors="replace")))
            self.abort()
        else:
            self.opened.set_result(None)

    def _next_frame(self) -> bool:
        """Take one frame out of the buffer; false when none is whole yet."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, begin = buffer[1] & 0x7F, 2
        if size == 126:
            size, begin = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, begin = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < begin + size:
            return False
        first, payload = buffer[0], bytes(buffer[begin : begin + size])
        del buffer[: begin + size]
        self._take(first & 0x0F, bool(first & 0x40), payload)
        return True

    def _take(self, code: int, packed: bool, payload: bytes) -> None:
        if code == TEXT:
            self._on_text(zlib.decompressobj(-15).decompress(payload + FLUSH_TAIL) if packed else payload)
        elif code == PING:
            self._write(PONG, payload)
        elif code == CLOSE:
            if not self.closed.done():
                self.closed.set_result(int.from_bytes(payload[:2], "big"))
            self.abort()

    def _write(self, code: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | code, 0x80 | size))
        elif size < 65_536:
            head = bytes((0x80 | code, 0x80 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | code, 0x80 | 127)) + size.to_bytes(8, "big")
        if self._transport:
            self._transport.write(head + ZERO_MASK + payload)
