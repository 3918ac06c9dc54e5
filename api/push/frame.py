"""One message on its way to many sockets: encoded once, framed once, compressed at most once (RFC 6455, RFC 7692)."""

import zlib
from typing import Any

import orjson

DEFLATE_WINDOW_BITS = 12
DEFLATE_MEMORY = 5
"""Of zlib's 1 to 9: messages of a few KB gain nothing from larger tables, which would have to be cleared for each."""
DEFLATE_BYTES_MIN = 512
"""Shorter messages cost more to compress than they save."""
DEFLATE_OWN_BYTES_MIN = 1_400
"""Of messages for one reader, whose compression serves nobody else: what one packet holds goes as it is."""
_TEXT = 0x81
_TEXT_DEFLATED = 0xC1
_SYNC_TAIL_BYTES = 4


class Frame:
    """An unmasked text frame, made lazily in the variants that sockets ask for; every variant is made once."""

    __slots__ = ("_deflate_from", "_deflated", "_plain", "kind", "text")

    def __init__(self, kind: str, text: bytes, *, for_one: bool = False) -> None:
        self.kind = kind
        self.text = text
        self._deflate_from = DEFLATE_OWN_BYTES_MIN if for_one else DEFLATE_BYTES_MIN
        self._plain: bytes | None = None
        self._deflated: bytes | None = None

    @classmethod
    def of(cls, message: dict[str, Any]) -> "Frame":
        """The frame of one message; its `type` is the kind under which it is counted."""
        return cls(message["type"], orjson.dumps(message))

    @property
    def plain(self) -> bytes:
        """The frame as it goes over a socket without compression."""
        if self._plain is None:
            self._plain = _header(_TEXT, len(self.text)) + self.text
        return self._plain

    @property
    def deflated(self) -> bytes:
        """The frame for sockets that negotiated permessage-deflate; a short message stays as it is, which the RFC allows."""
        if len(self.text) < self._deflate_from:
            return self.plain
        if self._deflated is None:
            squeezer = zlib.compressobj(level=1, wbits=-DEFLATE_WINDOW_BITS, memLevel=DEFLATE_MEMORY)
            body = (squeezer.compress(self.text) + squeezer.flush(zlib.Z_SYNC_FLUSH))[:-_SYNC_TAIL_BYTES]
            self._deflated = _header(_TEXT_DEFLATED, len(body)) + body
        return self._deflated


def close_reason(text: str) -> str:
    """As much of it as a close frame may carry (123 bytes)."""
    return text.encode()[:120].decode(errors="ignore")


def _header(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")
