"""The API process put together: routes, hub, outbox relay, pages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from api import problems
from api.auth.passwords import Passwords
from api.dagster_door import routes as dagster_door
from api.middleware import Surroundings
from api.push.front import LiveFront
from api.push.hub import PushHub
from api.routes import (
    authentication,
    collection,
    devices,
    history,
    live,
    messages,
    notebook,
    operations,
    pages,
    people,
    reference,
    schedule,
    straps,
)
from api.routes.answers import PROBLEM_SCHEMA, shared_schemas
from api.services import OpenHub, Services
from infra.clock import Clock
from infra.settings import Settings
from infra.telemetry.logs import logger

log = logger(__name__)
PROBLEM: dict[str, Any] = {problems.MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}
ROUTERS = (
    authentication.router,
    schedule.router,
    collection.router,
    live.router,
    messages.router,
    notebook.router,
    history.router,
    people.router,
    devices.router,
    straps.router,
    operations.router,
    dagster_door.router,
    reference.router,
    pages.router,  # takes every path that is left, so it stays last
)


def create_app(settings: Settings, clock: Clock, open_hub: OpenHub = PushHub, passwords: Passwords | None = None) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    services = Services.make(settings, clock, open_hub, passwords or Passwords())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services.relay.start()
        try:
            await services.hub.start()
            await services.synthetic.start()
            log.info("api_started", address=settings.api_url)
            yield
        finally:
            await services.synthetic.stop()
            await services.hub.stop()
            await app.state.dagster_door.upstream.close()
            await run_in_threadpool(services.close)

    app = FastAPI(
        title="Paceline",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        description="Classes, live metrics, alerts and summaries. Errors are application/problem+json.",
        responses={
            "4XX": {"description": "Problem", "content": PROBLEM},
            "503": {
                "description": "A server behind this one is away: `Retry-After` says when to ask",
                "content": PROBLEM,
            },
        },
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    app.state.hub = services.hub
    app.state.dagster_door = dagster_door.Door(services)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Surroundings)
    app.add_middleware(LiveFront, hub=app.state.hub)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # FastAPI's own way to extend the document
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document with the shared vocabulary among its schemas."""
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for calls in document["paths"].values():
            for call in calls.values():
                call["responses"].pop("422", None)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
        schemas.update(shared_schemas())
    return app.openapi_schema


def openapi_text(app: FastAPI) -> str:
    """The OpenAPI document as it is kept in schemas/generated/openapi.json."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
