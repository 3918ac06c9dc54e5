"""A whole installation under the harness's hand: `paceline up` in a home of its own, whose every part can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from infra.embedded.kafka import EmbeddedKafka, three_nodes
from infra.embedded.launch import Launch
from infra.settings import Settings, child_environment, load_settings
from infra.supervisor.run_folder import ChildRecord, RunFolder
from tests.running import answers, free_ports, settings_in, temporary_home, wait_until

COMMAND = (sys.executable, "-P", "-m", "infra.cli", "up")
SUPERVISOR = "supervisor"
NODE = "kafka node"
START_S = 180
MORE = {
    "requests_per_minute": 100_000,
    "access_token_s": 14_400,
    "sign_ins_per_minute": 1_000,
    "hub_events_per_s": 20_000,
    "log_format": "json",
}
"""A trainer who never tires, hubs that catch up quickly; everything else as a user has it."""


class House:
    """One home. Use it from one thread: what that thread starts ends with it."""

    def __init__(self, settings: Settings, nodes: Sequence[EmbeddedKafka] = ()) -> None:
        self.settings = settings
        self.nodes = tuple(nodes)
        self._folder = RunFolder(settings.home)
        self._up: subprocess.Popen[bytes] | None = None
        self._node_processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def parts(self) -> tuple[str, ...]:
        """All that can be killed."""
        state = self._folder.read_state()
        assert state
        nodes = tuple(f"{NODE} {node.node.node_id}" for node in self.nodes)
        return (*(child.name for child in state.children), *nodes, SUPERVISOR)

    @property
    def api_urls(self) -> list[str]:
        return [one.api_url for one in self.settings.replicas("api")]

    @property
    def gateway_urls(self) -> list[str]:
        return [one.gateway_url for one in self.settings.replicas("gateway")]

    def start(self) -> None:
        """`paceline up`, as a user types it; returns at once."""
        launch = Launch(COMMAND, child_environment(self.settings), self.settings.home)
        with (self.settings.home / "up.log").open("ab") as output:
            self._up = launch.start(output)

    def ready(self) -> bool:
        """Every part is."""
        assert self._up is not None
        if self._up.poll() is not None:
            raise AssertionError(f"`paceline up` ended with {self._up.returncode}:\n{self.log[-4_000:]}")
        return answers(f"http://127.0.0.1:{self.settings.supervisor_port}/ready") and all(n.ready() for n in self.nodes)

    def wait_ready(self) -> None:
        wait_until(self.ready, f"the house is ready; it said:\n{self.log[-2_000:]}", START_S, pause_s=0.1)

    def pid(self, part: str) -> int | None:
        """The part's process, when it runs."""
        if part == SUPERVISOR:
            return self._up.pid if self._up and self._up.poll() is None else None
        if part.startswith(NODE):
            process = self._node_processes[_number(part)]
            return process.pid if process.poll() is None else None
        child = self._child(part)
        return child.pid if child and child.pid and _runs(child.pid) else None

    def kill(self, part: str) -> int:
        """kill −9. Returns the process's number; a supervisor or a node is then to be started again by hand."""
        pid = self.pid(part)
        assert pid is not None, f"{part} does not run"
        os.kill(pid, signal.SIGKILL)
        if part == SUPERVISOR and self._up:
            self._up.wait()
        if part.startswith(NODE):
            self._node_processes[_number(part)].wait()
        return pid

    def is_back(self, part: str, killed: int) -> bool:
        """Whether the part is ready again, as another process than the one that was killed."""
        if part == SUPERVISOR:
            return self.ready()
        if part.startswith(NODE):
            return self.nodes[_number(part) - 1].ready()
        child = self._child(part)
        return child is not None and child.state == "ready" and child.pid != killed

    def start_nodes(self) -> None:
        """All nodes of the Kafka cluster that the house is given, where it has none of its own."""
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(EmbeddedKafka.prepare, self.nodes))
        for node in self.nodes:
            self.start_node(f"{NODE} {node.node.node_id}")
        wait_until(lambda: all(node.ready() for node in self.nodes), "three nodes ready", START_S)

    def start_node(self, part: str) -> None:
        node = self.nodes[_number(part) - 1]
        with node.folder.with_suffix(".log").open("ab") as output:
            self._node_processes[_number(part)] = node.launch().start(output)

    def stop(self) -> None:
        """As Ctrl-C does; nothing is left running."""
        if self._up and self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
            try:
                self._up.wait(60)
            except subprocess.TimeoutExpired:
                self._up.kill()
                self._up.wait()
        for process in self._node_processes.values():
            process.kill()
            process.wait()

    @property
    def log(self) -> str:
        path = self.settings.home / "up.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def last_words(self) -> str:
        """The ends of all logs, for a run that failed."""
        logs = sorted((self.settings.home / "logs").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{_end_of(path)}" for path in logs)

    def _child(self, name: str) -> ChildRecord | None:
        state = self._folder.read_state()
        if state is None or self._up is None or state.supervisor.pid != self._up.pid:
            return None
        return next((child for child in state.children if child.name == name), None)


@contextmanager
def crash_house(*, three: bool = False, **overrides: object) -> Iterator[House]:
    """A ready house; with `three`, on a Kafka cluster of three nodes."""
    with temporary_home() as home:
        nodes: list[EmbeddedKafka] = []
        if three:
            nodes = three_nodes(home / "cluster", free_ports(6), load_settings().kafka_java_options)
            addresses = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
            overrides = {"kafka": addresses, "kafka_replication": 3, **overrides}
        (home / "cluster").mkdir(exist_ok=True)
        house = House(settings_in(home, **MORE, **overrides), nodes)
        try:
            house.start_nodes()
            house.start()
            house.wait_ready()
            yield house
        finally:
            house.stop()


def _runs(pid: int) -> bool:
    """One that was killed a moment ago is still there for its parent to see."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _number(part: str) -> int:
    return int(part.removeprefix(NODE))


def _end_of(path: Path) -> str:
    return path.read_text(errors="replace")[-1_500:]
