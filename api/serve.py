"""Running the API: one uvicorn worker, sockets framed by our own protocol, a clean end."""

import signal

import uvicorn

from api.app import create_app
from api.push.raw_ws import uvicorn_options
from infra.clock import Clock
from infra.settings import Settings
from infra.strict_http import StrictHttp


def serve(settings: Settings, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT; sockets are then told when to come back, and the outbox's batch is finished."""
    # uvicorn raises the signal again when it is done; this handler lets the process end with code 0 then
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        create_app(settings, clock),
        host=settings.api_host,
        port=settings.api_port,
        http=StrictHttp,
        access_log=False,
        server_header=False,
        log_config=None,
        **uvicorn_options(),
    )
