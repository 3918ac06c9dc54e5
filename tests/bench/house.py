"""A whole installation for benchmarks: `paceline up` in a temporary home, its processes by name, what they take."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from infra.embedded.launch import Launch
from infra.processes import flow_port
from infra.settings import Settings, child_environment
from infra.supervisor.run_folder import RunFolder
from tests.bench.figures import Usage, usage_of
from tests.running import answers, running, settings_in, temporary_home

COMMAND = (sys.executable, "-P", "-m", "infra.cli")


@dataclass(frozen=True)
class House:
    """A running installation."""

    settings: Settings
    supervisor_pid: int

    def processes(self) -> dict[str, list[int]]:
        """Process ids by the supervisor's names; a server's own children (PostgreSQL has some) stand beside it."""
        state = RunFolder(self.settings.home).read_state()
        found = {"supervisor": [self.supervisor_pid]}
        for child in state.children if state else ():
            if child.pid is not None:
                found[child.name] = [
                    child.pid,
                    *(process.pid for process in psutil.Process(child.pid).children(recursive=True)),
                ]
        return found

    def usage(self) -> dict[str, Usage]:
        """Processor time so far by name."""
        return {name: usage_of(*pids) for name, pids in self.processes().items()}

    def memory_mb(self) -> dict[str, float]:
        """Proportional set size by name: pages that processes share are counted once, in shares."""
        return {name: sum(_pss_mb(pid) for pid in pids) for name, pids in self.processes().items()}

    def starts(self) -> dict[str, int]:
        """How often each process was started; more than 1 means that it died."""
        state = RunFolder(self.settings.home).read_state()
        return {child.name: child.starts for child in state.children} if state else {}

    def lag_messages(self) -> dict[str, float]:
        """How many messages each reader of Kafka is behind the log's end."""
        store, live = (
            self.metric(flow_port(self.settings, flow, 0), "paceline_flow_lag_messages") for flow in ("store", "live")
        )
        return {
            "flow-store-0": store,
            "flow-live-0": live,
            "api": self.metric(self.settings.api_port, "paceline_hub_lag_messages"),
        }

    def metric(self, port: int, name: str) -> float:
        """The sum of a metric's samples of that name, over all labels."""
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10, trust_env=False).text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name)

    def rows(self, question: str) -> list[tuple[str, ...]]:
        """An analyst's question to the warehouse; the fields of its rows as text."""
        s = self.settings
        secret = (s.home / "secrets" / "paceline_clickhouse_analyst_password").read_text().strip()
        answer = httpx.post(
            f"http://127.0.0.1:{s.clickhouse_port}/",
            params={"database": "paceline"},
            content=question,
            auth=(s.clickhouse_analyst_user, secret),
            timeout=60,
            trust_env=False,
        )
        answer.raise_for_status()
        return [tuple(line.split("\t")) for line in answer.text.splitlines()]


@contextmanager
def standing_house(**overrides: object) -> Iterator[House]:
    """`paceline up` on an empty home until the block ends; the home is removed."""
    with temporary_home() as home:
        settings = settings_in(home, **{"synthetic_every_s": 0, **overrides})  # messages in the log are counted
        launch = Launch([*COMMAND, "up"], child_environment(settings), home)
        url = f"http://127.0.0.1:{settings.supervisor_port}/ready"
        with running(launch, lambda: answers(url), home / "up.log", timeout_s=180) as process:
            yield House(settings, process.pid)


def _pss_mb(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
