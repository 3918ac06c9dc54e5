"""Running the API: one uvicorn worker, sockets framed by our own protocol, a clean end."""

import signal

import uvicorn

from api.app import create_app
from api.push.raw_ws import RawWS
from infra.clock import Clock
from infra.settings import Settings

STOP_S = 8
BACKLOG = 4_096


def serve(settings: Settings, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT; sockets are then told when to come back, and the outbox's batch is finished."""
    # uvicorn raises the signal again when it is done; this handler lets the process end with code 0 then
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        create_app(settings, clock),
        host=settings.api_host,
        port=settings.api_port,
        ws=RawWS,
        # RawWS compresses each message once for all sockets
        ws_per_message_deflate=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_S,
        access_log=False,
        server_header=False,
        log_config=None,
    )
