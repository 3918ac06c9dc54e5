"""Bodies in and out: lz4, zstd, gzip, deflate, none. Nothing unpacks to more than the request's limit."""

import zlib
from collections.abc import Callable
from typing import Protocol

import lz4.frame
from backports import zstd

from infra.embedded.warehouse.errors import CANNOT_DECOMPRESS, QUERY_IS_TOO_LARGE, UNKNOWN_COMPRESSION_METHOD, QueryFailed

# What the server prefers among the codings a client accepts; fastest first.
_PREFERRED = ("lz4", "zstd", "gzip", "deflate")


class Packer(Protocol):
    """Compresses one response piece by piece."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_UNPACKERS: dict[str, Callable[[], _Unpacker]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": zlib.decompressobj,
}


def unpack(data: bytes, coding: str, limit_bytes: int) -> bytes:
    """The body as it was before `coding`. Raises QueryFailed when it is broken, unknown, or unpacks to more than the limit."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return data
    if coding not in _UNPACKERS:
        raise QueryFailed(UNKNOWN_COMPRESSION_METHOD, f"Unknown Content-Encoding {coding!r}: use lz4, zstd, gzip or deflate.")
    pieces: list[bytes] = []
    size = 0
    # One body may be several frames, one after the other.
    while data:
        unpacker = _UNPACKERS[coding]()
        try:
            piece = unpacker.decompress(data, limit_bytes - size + 1)
        except (RuntimeError, zlib.error, zstd.ZstdError, EOFError) as broken:
            raise QueryFailed(CANNOT_DECOMPRESS, f"The body is not valid {coding}: {broken}.") from None
        size += len(piece)
        if size > limit_bytes:
            raise QueryFailed(QUERY_IS_TOO_LARGE, f"The body unpacks to more than {limit_bytes} bytes.")
        if not unpacker.eof:
            raise QueryFailed(CANNOT_DECOMPRESS, f"The body ends in the middle of its {coding} data.")
        pieces.append(piece)
        data = unpacker.unused_data or b""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Lz4Packer:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._head: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self._head + bytes(self._frame.flush())


def choose_coding(accepted: str) -> str | None:
    """The coding for a response to a client that accepts these, None for plain."""
    offers = {part.split(";")[0].strip().lower() for part in accepted.split(",") if "q=0" not in part.replace("q=0.", "")}
    return next((coding for coding in _PREFERRED if coding in offers), None)


def packer(coding: str) -> Packer:
    """A compressor for one response."""
    if coding == "lz4":
        return _Lz4Packer()
    if coding == "zstd":
        return zstd.ZstdCompressor(level=1)
    return zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16 if coding == "gzip" else zlib.MAX_WBITS)
