"""A supervisor with real servers, as a process of its own: killed, stopped, started again."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from infra.operate import MADE_BY_US
from infra.settings import Settings, child_environment
from infra.supervisor.run_folder import RunFolder
from tests.running import ROOT, settings_in, temporary_home, wait_until


@contextmanager
def small_house(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.infra.small_house"]
    house = subprocess.Popen(command, cwd=ROOT, env=child_environment(settings), stdout=subprocess.PIPE, text=True)
    try:
        yield house
    finally:
        house.kill()
        house.communicate()


def lines_until(house: subprocess.Popen[str], last: str) -> list[str]:
    assert house.stdout
    lines: list[str] = []
    for line in house.stdout:
        lines.append(line.strip())
        if line.strip() == last:
            return lines
    raise AssertionError(f"{last!r} never came: {lines}")


def family(house: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(house.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[str]:
    return [p.name() for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_no_child_outlives_a_killed_supervisor_and_the_next_one_starts_and_stops_cleanly() -> None:
    with temporary_home() as home:
        settings = settings_in(home)
        with small_house(settings) as house:
            lines_until(house, "all ready")
            children = family(house)
            assert {"java", "postgres"} <= {child.name() for child in children}
            house.send_signal(signal.SIGKILL)
            wait_until(lambda: not alive(children), "all children gone", 10)

        with small_house(settings) as house:
            lines_until(house, "all ready")
            children = family(house)
            house.send_signal(signal.SIGTERM)
            stopped = [line.split()[0] for line in lines_until(house, "kafka stopped") if line.endswith(" stopped")]
            assert house.wait(20) == 0
        assert stopped[0] == "sleeper"
        assert set(stopped) == {"sleeper", "kafka", "postgres"}
        assert alive(children) == []
        assert (home / "kafka" / "data" / ".kafka_cleanshutdown").exists()
        assert {path.name for path in home.iterdir()} <= set(MADE_BY_US)
        state = RunFolder(home).read_state()
        assert state
        assert {child.state for child in state.children} == {"stopped"}
