"""A server of the live WebSocket alone, hub and route: `python -m tests.push.server_process [plain]`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from msgspec import to_builtins

from api.auth.tokens import Tokens
from api.push.front import LiveFront
from api.push.hub import PushHub
from api.push.raw_ws import uvicorn_options
from api.push.session_book import event_shown
from infra.clock import system_clock
from infra.settings import Settings, load_settings
from infra.telemetry.logs import start_logs


def make_app(settings: Settings) -> FastAPI:
    """The hub lives as long as the application."""
    ended: set[str] = set()
    hub = PushHub(settings, system_clock, Tokens(settings, system_clock).verify, ended.intersection)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        yield
        await hub.stop()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(LiveFront, hub=hub)

    @app.get("/ready")
    async def ready() -> Response:
        return Response(status_code=200 if hub.ready() else 503)

    @app.get("/state/{session_id}")
    async def state(session_id: str) -> dict[str, Any]:
        return {
            "complete": hub.complete(session_id),
            "channels": hub.positions(session_id),
            "alerts": [to_builtins(alert) for alert in hub.alerts(session_id)],
            "events": [event_shown(event) for event in hub.events(session_id)],
        }

    @app.post("/sign-out/{sign_in}")
    async def sign_out(sign_in: str) -> None:
        ended.add(sign_in)

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
