"""Servers for tests: free ports, waiting, and processes that end with the test whatever happens."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import islice
from pathlib import Path

from infra.embedded.launch import Launch
from infra.embedded.postgres import EmbeddedPostgres
from infra.kafka import ensure_topics
from infra.migrate import migrate_control_plane, migrate_warehouse
from infra.processes import embedded_kafka
from infra.settings import Settings, child_environment, ensure_secrets, load_settings
from infra.supervisor.ports import FOR_A_WHILE, Port, free_stretches, is_free

ROOT = Path(__file__).parents[1]


PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify=` of httpx where a server without TLS is asked often: making its own takes 40 ms of the processor each time."""


def _share_of_ports() -> range:
    """Each of pytest's workers asks for ports of its own: those of a server that was killed are free until it is back."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    each = len(FOR_A_WHILE) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return FOR_A_WHILE[worker * each : (worker + 1) * each]


_given: deque[int] = deque(maxlen=len(_share_of_ports()) // 8)
"""Ports that were given away lately, for the same reason; not so many that no stretches are left between them."""


def free_ports(count: int, length: int = 1) -> list[int]:
    """Of ports that nobody else was given lately, below the range from which the system takes ports for outgoing connections:
    the first of each of `count` stretches."""
    found = free_stretches(count, length, among=_share_of_ports(), besides=set(_given))
    _given.extend(port for first in found for port in range(first, first + length))
    return found


def free_pairs(count: int, apart: int) -> list[int]:
    """As `free_ports`, each with another so far behind it that is free, too."""
    pairs = (port for port in free_ports(20 * count) if port + apart not in _given and is_free(Port(port + apart, "")))
    found = list(islice(pairs, count))
    _given.extend(port + apart for port in found)
    return found


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 60, pause_s: float = 0.02) -> None:
    """Poll until it holds; fail with `what` after the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"after {timeout_s} s still not: {what}"
        time.sleep(pause_s)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Short, because Unix sockets have short addresses; removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="pl-", dir="/tmp"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def settings_in(home: Path, **overrides: object) -> Settings:
    """Settings with free ports, for Kafka two in a row and for the flows' metrics sixteen, and generated secrets."""
    names = ("clickhouse_port", "api_port", "gateway_port", "supervisor_port", "simulator_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    ports |= {"kafka_port": free_ports(1, 2)[0], "metrics_port": free_ports(1, 16)[0]}
    return ensure_secrets(load_settings(home=home, **{**ports, "log_format": "console", **overrides}))


@contextmanager
def running(
    launch: Launch, ready: Callable[[], bool], log: Path, *, stop: signal.Signals = signal.SIGTERM, timeout_s: float = 90
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ready inside the block and gone after it; its log is shown when it dies early."""
    with log.open("ab") as output:
        process = launch.start(output)
    try:

        def ready_or_dead() -> bool:
            assert process.poll() is None, (
                f"{log.name} died with {process.returncode}:\n{log.read_text(errors='replace')[-4000:]}"
            )
            return ready()

        wait_until(ready_or_dead, f"{log.name} ready", timeout_s)
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Servers:
    """The embedded servers of a test run, each started when first asked for, all stopped by `stop`.

    A starting thread is kept per server, because a server dies with the thread that started it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open = ExitStack()
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="server")
        self._started: dict[str, Future[None]] = {}

    def kafka(self) -> None:
        kafka = embedded_kafka(self.settings)
        kafka.prepare()
        self._run(kafka.launch(), kafka.ready, "kafka")
        ensure_topics(self.settings)

    def postgres(self) -> None:
        postgres = EmbeddedPostgres(self.settings.home, self.settings.postgres_socket_dir)
        postgres.prepare()
        self._run(postgres.launch(), postgres.ready, "postgres", stop=signal.SIGINT)
        migrate_control_plane(self.settings)

    def warehouse(self) -> None:
        if subprocess.run(
            [sys.executable, "-m", "infra.cli", "warehouse", "--help"], check=False, capture_output=True
        ).returncode:
            return
        command = [sys.executable, "-m", "infra.cli", "warehouse", "serve"]
        launch = Launch(command, child_environment(self.settings), self.settings.home)
        self._run(launch, lambda: answers(f"http://127.0.0.1:{self.settings.clickhouse_port}/ping"), "warehouse")
        migrate_warehouse(self.settings)

    def start(self, *starts: Callable[[], None]) -> None:
        """Start those that do not run yet, side by side, and wait for all."""
        for start in starts:
            if start.__name__ not in self._started:
                self._started[start.__name__] = self._threads.submit(start)
        for start in starts:
            self._started[start.__name__].result()

    def stop(self) -> None:
        self._open.close()
        self._threads.shutdown()

    def _run(self, launch: Launch, ready: Callable[[], bool], name: str, stop: signal.Signals = signal.SIGTERM) -> None:
        self._open.enter_context(running(launch, ready, self.settings.home / f"{name}.log", stop=stop))


def answers(url: str) -> bool:
    """Whether a GET gives 200.

    Asked in a loop while processes start, so without httpx: what it makes ready for TLS took the processor that they need.
    """
    host, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=1)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
