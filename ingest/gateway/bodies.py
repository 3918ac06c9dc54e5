"""Request bodies, read with caps that also hold while they are unpacked, and over all requests together."""

import zlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from ingest.decoding import Malformed
from ingest.outcomes import SlowDown
from schemas.ranges import UNPACKED_BYTES_MAX

STEP_BYTES = 256 * 1024
GZIP = 16 + zlib.MAX_WBITS
HELD_BYTES_MAX = 128 * 1_048_576


class TooLarge(Exception):
    """The body is larger than a request may be."""


class Budget:
    """The memory that all bodies may take together."""

    def __init__(self, cap: int = HELD_BYTES_MAX) -> None:
        self.cap = cap
        self.held = 0


class Body:
    """One body as it grows; give its memory back by leaving the context."""

    def __init__(self, budget: Budget, cap: int = UNPACKED_BYTES_MAX) -> None:
        self._budget = budget
        self._cap = cap
        self._bytes = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None) -> None:
        self._budget.held -= len(self._bytes)

    @property
    def room(self) -> int:
        """How much more it may grow, and one byte to notice that it would."""
        return self._cap + 1 - len(self._bytes)

    def add(self, chunk: bytes) -> None:
        """Raises TooLarge, or SlowDown while the other bodies take all memory."""
        if len(chunk) >= self.room:
            raise TooLarge(f"the body is larger than {self._cap} bytes")
        if self._budget.held + len(chunk) > self._budget.cap:
            raise SlowDown("other requests are being read", 1)
        self._bytes += chunk
        self._budget.held += len(chunk)

    async def read_plain(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The whole body; reading stops as soon as it is too large."""
        async for chunk in chunks:
            self.add(chunk)
        return bytes(self._bytes)

    async def read_gzip(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The unpacked body; never more is held than the cap, whatever the packed one promises."""
        unpacker = zlib.decompressobj(GZIP)
        try:
            async for chunk in chunks:
                packed = chunk
                while packed and not unpacker.eof:
                    self.add(unpacker.decompress(packed, min(STEP_BYTES, self.room)))
                    packed = unpacker.unconsumed_tail
                if unpacker.unused_data:
                    raise Malformed("bytes follow the end of the gzip stream")
        except zlib.error as fault:
            raise Malformed(f"the body is not valid gzip: {fault}") from None
        if not unpacker.eof:
            raise Malformed("the gzip stream ends too early")
        return bytes(self._bytes)
