"""The whole house as a user starts it: `paceline up` on an empty home, people seeded, a browser in front."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded.launch import Launch
from infra.settings import Settings, child_environment
from infra.supervisor.run_folder import RunFolder
from tests.running import answers, running, settings_in, temporary_home
from tests.ui.conftest import browser  # noqa: F401 - a fixture

COMMAND = (sys.executable, "-P", "-m", "infra.cli")
MEMBERS = 8
POLLED = {"requests_per_minute": 100_000}
"""Tests ask more often than a person may."""


@dataclass
class House:
    """A running installation and the people seeded into it."""

    settings: Settings
    seeded: dict[str, Any]

    @property
    def url(self) -> str:
        return self.settings.api_url

    @property
    def spin_id(self) -> int:
        return next(c["id"] for c in self.seeded["classes"] if c["class_type"] == "spin")

    @contextmanager
    def signed_in(self, role: str = "trainer") -> Iterator[httpx.Client]:
        """A REST client of that person."""
        login = {key: self.seeded[role][key] for key in ("email", "password")}
        with httpx.Client(base_url=self.url, timeout=30) as client:
            answer = client.post("/api/v1/auth/login", json=login)
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client

    def kill(self, child: str) -> None:
        """As when the machine runs out of memory."""
        state = RunFolder(self.settings.home).read_state()
        assert state
        pid = next(c.pid for c in state.children if c.name == child)
        assert pid
        os.kill(pid, signal.SIGKILL)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `paceline` command in this home."""
        return run_command(self.settings, *arguments)


def run_command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=child_environment(settings), capture_output=True, text=True, check=False, timeout=120
    )


@contextmanager
def up(settings: Settings, *options: str) -> Iterator[None]:
    """`paceline up` until the block ends."""
    launch = Launch([*COMMAND, "up", *options], child_environment(settings), settings.home)
    url = f"http://127.0.0.1:{settings.supervisor_port}/ready"
    with running(launch, lambda: answers(url), Path(settings.home) / "up.log", timeout_s=240 if options else 120):
        yield


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """One house for the modules that only hold classes in it."""
    with temporary_home() as home:
        settings = settings_in(home, **POLLED)
        with up(settings):
            seeded = run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json")
            assert seeded.returncode == 0, seeded.stderr
            yield House(settings, json.loads(seeded.stdout))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test leaves a picture of its page in `build/pictures`."""
    report = yield
    story = getattr(item, "funcargs", {}).get("story")
    if report.failed and story is not None:
        story.page.screenshot(path=f"build/pictures/{item.name}.png")
    return report
