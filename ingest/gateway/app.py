"""The gateway's application: the only place where its parts are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from infra.clock import Clock
from infra.collector import spare_the_collector
from infra.directory import DirectoryReader
from infra.errors import Unavailable
from infra.kafka import cluster_id
from infra.settings import Settings
from infra.strict_http import StrictHttp
from infra.telemetry.logs import logger
from ingest.gateway.access import Access
from ingest.gateway.bodies import Budget
from ingest.gateway.clock_notes import ClockNotes
from ingest.gateway.door import Door
from ingest.gateway.front import Front
from ingest.gateway.openapi import complete
from ingest.gateway.parts import Parts
from ingest.gateway.rates import Rates
from ingest.gateway.refused_bytes import RefusedBytes
from ingest.gateway.routes import Refusal, refuse, router
from ingest.gateway.streams import Streams
from ingest.publisher import Publisher

log = logger(__name__)
FRAME_BYTES_MAX = 4 * 1_048_576
START_PATIENCE_S = 5.0
KAFKA_PATIENCE_S = 2.0
"""How long it is asked whether it is there; also how long a stopping process waits for the answer."""
RETRY_S = 0.5


def create_app(settings: Settings, clock: Clock) -> FastAPI:
    """The gateway; it takes no event before it has read the directory, and says 503 as long as Kafka is away."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.parts = None
        opening = asyncio.create_task(_open(app, settings, clock))
        await asyncio.wait({opening}, timeout=START_PATIENCE_S)  # with Kafka there, the first request finds everything
        if opening.done():
            opening.result()
        try:
            yield
        finally:
            opening.cancel()
            if app.state.parts:
                await app.state.parts.close()

    app = FastAPI(title="Paceline device gateway", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.add_exception_handler(Refusal, refuse)
    made = app.openapi

    def openapi() -> dict[str, Any]:
        return complete(made())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    return app


async def _open(app: FastAPI, settings: Settings, clock: Clock) -> None:
    """Wire the parts as soon as the directory can be read, however long Kafka is away."""
    while True:
        try:
            await asyncio.to_thread(cluster_id, settings, KAFKA_PATIENCE_S)  # fails sooner than what follows
            reader = await asyncio.to_thread(DirectoryReader, settings)
        except Unavailable as failure:
            log.warning("gateway_waits_for_kafka", failure=failure.problem, remedy=failure.remedy)
            await asyncio.sleep(RETRY_S)
        else:
            app.state.parts = assemble(settings, clock, reader)
            reader.follow()
            spare_the_collector()
            return


def assemble(settings: Settings, clock: Clock, reader: DirectoryReader) -> Parts:
    """The parts, wired; belongs to the running event loop."""
    directory = reader.directory
    publisher = Publisher(settings, clock, directory, door="gateway")
    refused, notes = RefusedBytes(publisher.producer, clock), ClockNotes(directory, publisher)
    door = Door(publisher, Rates(settings), refused, notes, clock, settings.gateway_patience_s)
    access = Access(directory)
    streams = Streams(access, door)
    reader.listen(partial(streams.hear, loop=asyncio.get_running_loop()))
    return Parts(clock, reader, publisher, access, door, streams, Budget())


def serve(settings: Settings, clock: Clock) -> None:
    """Run until SIGTERM or Ctrl-C."""
    import uvicorn

    uvicorn.run(
        Front(create_app(settings, clock)),
        host=settings.gateway_host,
        port=settings.gateway_port,
        loop="uvloop",
        http=StrictHttp,
        ws="websockets-sansio",
        ws_max_size=FRAME_BYTES_MAX,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
        server_header=False,
    )
