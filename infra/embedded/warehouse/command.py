"""`paceline warehouse serve`: the warehouse as a process of its own."""

import signal
import socket
import uuid

import uvicorn

from infra.clock import system_clock
from infra.embedded.warehouse.app import WarehouseApp
from infra.embedded.warehouse.configuration import Folders
from infra.embedded.warehouse.engine import Engine
from infra.embedded.warehouse.users import Users
from infra.errors import PacelineError
from infra.settings import ensure_secrets, load_settings
from infra.telemetry.logs import logger, start_logs

log = logger(__name__)
HOST = "127.0.0.1"


def serve() -> None:
    """Serve the embedded warehouse (ClickHouse over HTTP) on loopback until SIGTERM."""
    settings = ensure_secrets(load_settings())
    start_logs(settings, "warehouse")
    engine = Engine(Folders(settings.home / "warehouse"), settings.clickhouse_memory_mb, settings.clickhouse_keep_free_mb)
    try:
        door = _bind(settings.clickhouse_port)
    except PacelineError:
        engine.close()
        raise
    # uvicorn stops at the first signal and raises it again when it has stopped: ignored then, so that the engine is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    app = WarehouseApp(engine, Users(settings), system_clock, lambda: str(uuid.uuid4()))
    config = uvicorn.Config(
        app,
        workers=1,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=4,
        timeout_keep_alive=30,
    )
    server = uvicorn.Server(config)
    log.info("warehouse starts", port=settings.clickhouse_port, folder=str(settings.home / "warehouse"))
    server.run(sockets=[door])
    engine.close()
    log.info("warehouse stopped")


def _bind(port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
    except OSError as failure:
        raise PacelineError(
            f"The warehouse cannot listen on {HOST}:{port}: {failure.strerror}.",
            "Stop what uses the port, or set PACELINE_CLICKHOUSE_PORT.",
        ) from None
    return door
