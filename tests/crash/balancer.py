"""One address for several replicas, as a balancer gives it: each connection goes to the next of them that answers."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

PIECE_BYTES = 65_536


@asynccontextmanager
async def in_front_of(urls: Sequence[str]) -> AsyncIterator[str]:
    """The balancer's URL; where there is only one replica, its own."""
    if len(urls) == 1:
        yield urls[0]
        return
    places = [(parts.hostname, parts.port) for parts in map(urlsplit, urls)]
    turns, passing = itertools.count(), set[asyncio.Task[None]]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        passing.add(task)
        task.add_done_callback(passing.discard)
        begin = next(turns)
        for host, port in (places[(begin + n) % len(places)] for n in range(len(places))):
            with suppress(OSError):
                upstream = await asyncio.open_connection(host, port)
                break
        else:
            writer.close()
            return
        with suppress(asyncio.CancelledError):  # at the end; nobody waits for this task
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, upstream[1]))
                both.create_task(_pass(upstream[0], writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in tuple(passing):
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; the other is then told."""
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.close()
