"""Hands a result from a lane's thread to the event loop, never faster than the client takes it."""

import asyncio
import threading

from infra.embedded.warehouse.errors import SOCKET_TIMEOUT, QueryFailed

_AHEAD = 4
_STALL_S = 60


class Abandoned(Exception):
    """The client has gone: stop and clean up."""


class Bridge:
    """`put` from one thread, `get` and `end` in the loop. A client that takes nothing for a minute loses its query."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._gone = threading.Event()

    def put(self, piece: bytes) -> None:
        """Wait for room and hand over. Raises Abandoned or QueryFailed when nobody will take it."""
        if not self._room.acquire(timeout=_STALL_S):
            raise QueryFailed(SOCKET_TIMEOUT, f"The client took nothing for {_STALL_S} seconds.")
        if self._gone.is_set():
            raise Abandoned
        self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)

    def end(self, _: object = None) -> None:
        """In the loop, after the last `put`: nothing more will come."""
        self._queue.put_nowait(None)

    async def get(self) -> bytes | None:
        """The next piece, None after the last."""
        piece = await self._queue.get()
        self._room.release()
        return piece

    def abandon(self) -> None:
        """Tell the thread that nobody listens any more."""
        self._gone.set()
        self._room.release()
