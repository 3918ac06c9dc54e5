"""A server of the live WebSocket alone, hub and route: `python -m tests.push.server_process [plain]`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.auth.tokens import Tokens
from api.push.hub import PushHub
from api.push.raw_ws import uvicorn_options
from api.push.routes import router
from infra.clock import system_clock
from infra.settings import Settings, load_settings
from infra.telemetry.logs import start_logs


def make_app(settings: Settings) -> FastAPI:
    """The hub lives as long as the application."""
    hub = PushHub(settings, system_clock, Tokens(settings, system_clock).verify)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        yield
        await hub.stop()

    app = FastAPI(lifespan=lifespan)
    app.state.hub = hub
    app.include_router(router)

    @app.get("/ready")
    async def ready() -> bool:
        return hub.ready()

    @app.get("/state/{session_id}")
    async def state(session_id: str) -> dict[str, Any]:
        return hub.state(session_id)

    @app.post("/tell/{user_id}")
    async def tell(user_id: int) -> None:
        hub.send_message(user_id, "Great pace!", "Tess")

    @app.get("/live/{session_id}")
    async def live(session_id: str) -> dict[str, Any]:
        view = hub.live(session_id)
        return {} if view is None else {"columns": view.columns, "members": view.members, "version": view.version}

    return app


def main() -> None:
    settings = load_settings()
    start_logs(settings, "api")
    options = uvicorn_options()
    if "plain" in sys.argv:
        options |= {"ws": "websockets-sansio"}
    uvicorn.run(
        make_app(settings), host=settings.api_host, port=settings.api_port, log_config=None, access_log=False, **options
    )


if __name__ == "__main__":
    main()
