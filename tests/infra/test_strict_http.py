"""Bounds on a request's head, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from infra.strict_http import HEAD_BYTES_MAX, StrictHttp

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hasty(StrictHttp):
    """The same with little time."""

    head_within_s = 0.3


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(protocol: type[StrictHttp]) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(hello, port=0, http=protocol, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def test_a_head_without_end_is_refused_and_its_connection_closed() -> None:
    async with served(StrictHttp) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nx-long: " + b"a" * HEAD_BYTES_MAX)
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_head_that_does_not_come_in_time_ends_the_connection() -> None:
    async with served(Hasty) as port:
        silent, slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        slow[1].write(b"GET / HTTP/1.1\r\nhost: a\r\n")
        for reader, writer in (silent, slow):
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()


async def test_requests_one_after_the_other_and_slow_bodies_are_left_alone() -> None:
    async with served(Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for pause_s in (0, 0, 0.5):
            writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n")
            await asyncio.sleep(pause_s)
            writer.write(b"x")
            answer = await asyncio.wait_for(reader.readuntil(b"ok"), 10)
            assert answer.startswith(b"HTTP/1.1 200 ")
        writer.close()
