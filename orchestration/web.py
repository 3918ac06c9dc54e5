"""Dagster's pages on a Unix socket: no port, so no other user of the machine reaches what has no sign-in of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.applications import Starlette

from infra.settings import load_settings
from infra.telemetry.logs import start_logs
from orchestration.instance_folder import InstanceFolder
from orchestration.processes import PATH

STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW = 15_000, 3_600, 5
QUIETLY: dict[str, Any] = {
    "log_config": None,
    "access_log": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 5,
}


def main() -> None:
    """Serve until SIGTERM. Needs DAGSTER_HOME; everything else is `dagster-webserver` without its port."""
    settings = load_settings()
    start_logs(settings, "dagster-web")
    folder = InstanceFolder(settings)
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW)
        target = WorkspaceFileTarget([str(folder.workspace)])
        with WorkspaceProcessContext(instance, workspace_load_target=target) as context:
            app = create_app_from_workspace_process_context(context, PATH, lifespan=_quiet_end)
            uvicorn.run(app, uds=str(folder.web_socket), **QUIETLY)


@asynccontextmanager
async def _quiet_end(_app: Starlette) -> AsyncIterator[None]:
    with suppress(asyncio.CancelledError):  # what uvicorn does to subscriptions that are open at its end
        yield


if __name__ == "__main__":
    main()
