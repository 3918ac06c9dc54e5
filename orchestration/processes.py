"""Dagster's processes as children of our supervisor: code server, webserver, daemon. They listen on Unix sockets only.

Imports nothing of Dagster: the supervisor stays small, and says in words when Dagster is not installed.
"""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infra.embedded.launch import Launch
from infra.errors import PacelineError
from infra.postgres import ensure_schema, schema_url
from infra.settings import Settings, child_environment
from infra.supervisor import Child, Stage
from orchestration.instance_folder import SCHEMA, STORAGE_URL, InstanceFolder

NEEDED = ("dagster", "dagster_webserver", "dagster_postgres", "psycopg2")
PROBE_S = 2.0
PATH = "/dagster"
Probe = Callable[[], bool]
Step = Callable[[], None]
DAEMONS = "{instance{daemonHealth{allDaemonStatuses{required healthy}}}}"


def _nothing() -> None:
    return None


def _always() -> bool:
    return True


def stages(settings: Settings) -> tuple[Stage, ...]:
    """What `paceline up --dagster` starts when everything else is ready. Raises PacelineError without the extra."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise PacelineError(
            f"Dagster is not installed ({', '.join(missing)} missing)",
            "Run `make extras` in the project's folder; elsewhere: pip install 'paceline[orchestrate]'.",
        )
    folder = InstanceFolder(settings)
    return (Stage((code_child(settings, folder),)), Stage((web_child(settings, folder), daemon_child(settings, folder))))


def environment(settings: Settings, folder: InstanceFolder) -> Mapping[str, str]:
    """What Dagster's processes and the runs that they start need; the database's password travels here only."""
    return child_environment(settings) | {
        "DAGSTER_HOME": str(folder.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        STORAGE_URL: schema_url(settings, SCHEMA, "psycopg2"),
        "PYTHONWARNINGS": "ignore",  # Dagster warns at every load of what it calls preview or beta
    }


def code_child(settings: Settings, folder: InstanceFolder) -> Child:
    """Holds our definitions and starts the runs."""
    arguments = ["api", "grpc", "--socket", str(folder.code_socket), "-m", "orchestration.definitions"]
    command = [*_python("dagster"), *arguments, "--log-format", _log_format(settings)]

    def prepare() -> None:
        folder.make()
        folder.code_socket.unlink(missing_ok=True)
        ensure_schema(settings, SCHEMA)
        migrate = [*_python("dagster"), "instance", "migrate"]
        Launch(migrate, environment(settings, folder), folder.home).run("Preparing Dagster's tables")

    return _child(settings, folder, "dagster-code", command, ready=lambda: _accepts(folder.code_socket), prepare=prepare)


def web_child(settings: Settings, folder: InstanceFolder) -> Child:
    """The pages, which the API shows to admins."""

    def ready() -> bool:
        return _asked(folder.web_socket, "GET", "/server_info") is not None

    return _child(settings, folder, "dagster-web", _python("orchestration.web"), ready=ready, alive=ready)


def daemon_child(settings: Settings, folder: InstanceFolder) -> Child:
    """Schedules, the sensor, backfills, the queue of runs."""
    command = [*_python("dagster._daemon"), "run", "-w", str(folder.workspace), "--log-format", _log_format(settings)]
    return _child(settings, folder, "dagster-daemon", command, ready=lambda: _daemons_healthy(folder.web_socket))


def _child(
    settings: Settings,
    folder: InstanceFolder,
    name: str,
    command: list[str],
    *,
    ready: Probe,
    alive: Probe = _always,
    prepare: Step = _nothing,
) -> Child:
    return Child(
        name=name,
        launch=lambda: Launch(command, environment(settings, folder), folder.home),
        ready=ready,
        alive=alive,
        prepare=prepare,
        stop_timeout_s=15,
        ready_timeout_s=120,
    )


def _python(module: str) -> list[str]:
    return [sys.executable, "-P", "-m", module]


def _log_format(settings: Settings) -> str:
    return "json" if settings.log_format == "json" else "colored"


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("dagster", timeout=PROBE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PROBE_S)
        self.sock.connect(str(self._path))


def _accepts(path: Path) -> bool:
    connection = _UnixConnection(path)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _daemons_healthy(path: Path) -> bool:
    answer = _asked(path, "POST", "/graphql", {"query": DAEMONS})
    try:
        statuses = answer["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    except (TypeError, KeyError):
        return False
    return bool(statuses) and all(status["healthy"] for status in statuses if status["required"])


def _asked(path: Path, method: str, at: str, body: object = None) -> Any:
    """The webserver's answer, None without one."""
    connection = _UnixConnection(path)
    try:
        connection.request(method, PATH + at, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == HTTPStatus.OK else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
