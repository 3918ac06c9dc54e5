"""The gateway's application: the only place where its parts are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from infra.clock import Clock
from infra.directory import DirectoryReader
from infra.settings import Settings
from ingest.gateway.access import Access
from ingest.gateway.bodies import Budget
from ingest.gateway.door import Door
from ingest.gateway.openapi import complete
from ingest.gateway.parts import Parts
from ingest.gateway.rates import Rates
from ingest.gateway.refused_bytes import RefusedBytes
from ingest.gateway.routes import Refusal, refuse, router
from ingest.gateway.streams import Streams
from ingest.publisher import Publisher

FRAME_BYTES_MAX = 4 * 1_048_576


def create_app(settings: Settings, clock: Clock) -> FastAPI:
    """The gateway; it reads the directory before it takes its first request."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reader = await asyncio.to_thread(DirectoryReader, settings)
        parts = assemble(settings, clock, reader)
        app.state.parts = parts
        reader.follow()
        try:
            yield
        finally:
            parts.streams.close_all()
            await parts.publisher.close()
            await asyncio.to_thread(reader.close)

    app = FastAPI(title="Paceline device gateway", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.add_exception_handler(Refusal, refuse)
    made = app.openapi

    def openapi() -> dict[str, Any]:
        return complete(made())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    return app


def assemble(settings: Settings, clock: Clock, reader: DirectoryReader) -> Parts:
    """The parts, wired; belongs to the running event loop."""
    directory = reader.directory
    publisher = Publisher(settings, clock, directory, door="gateway")
    door = Door(publisher, Rates(settings), RefusedBytes(publisher.producer, clock), clock, settings.gateway_patience_s)
    access = Access(directory)
    streams = Streams(access, door)
    reader.listen(partial(streams.hear, loop=asyncio.get_running_loop()))
    return Parts(clock, directory, publisher, access, door, streams, Budget())


def serve(settings: Settings, clock: Clock) -> None:
    """Run until SIGTERM or Ctrl-C."""
    import uvicorn

    uvicorn.run(
        create_app(settings, clock),
        host=settings.gateway_host,
        port=settings.gateway_port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=FRAME_BYTES_MAX,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
        server_header=False,
    )
