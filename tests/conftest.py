"""What every test may ask for: real servers, recordings, a clock that stands still."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from infra.settings import Settings
from tests.running import ROOT, Servers, settings_in, temporary_home

for name in [name for name in os.environ if name.startswith("PACELINE_") and not name.startswith("PACELINE_TEST_")]:
    del os.environ[name]  # a developer's own settings must not reach the tests
# a broker that lives for half a minute spends a third of its time on Java's second compiler and gets nothing for it
os.environ["PACELINE_KAFKA_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"

# nothing is timed here: a busy machine makes no test fail
hypothesis.settings.register_profile(
    "untimed", hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
)
hypothesis.settings.load_profile("untimed")

SHARED_DATA = ROOT.parent / "shared" / "data"


@dataclass
class FakeClock:
    """Time that moves only when told; call it for milliseconds since 1970."""

    now_ms: int = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    def forward(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@pytest.fixture
def clock() -> FakeClock:
    """A clock of the test's own."""
    return FakeClock()


@pytest.fixture(scope="session")
def all_servers() -> Iterator[Servers]:
    """The servers, none of them started yet."""
    with temporary_home() as home:
        servers = Servers(settings_in(home, synthetic_every_s=0))  # tests count what they send
        try:
            yield servers
        finally:
            servers.stop()


@pytest.fixture(scope="session")
def kafka_only(all_servers: Servers) -> Settings:
    """Settings of a running Kafka with its topics."""
    all_servers.start(all_servers.kafka)
    return all_servers.settings


@pytest.fixture(scope="session")
def postgres_only(all_servers: Servers) -> Settings:
    """Settings of a running PostgreSQL with the control plane's tables."""
    all_servers.start(all_servers.postgres)
    return all_servers.settings


@pytest.fixture(scope="session")
def warehouse_only(all_servers: Servers) -> Settings:
    """Settings of a running warehouse with its tables."""
    all_servers.start(all_servers.warehouse)
    return all_servers.settings


@pytest.fixture(scope="session")
def servers(all_servers: Servers) -> Settings:
    """Settings of running embedded servers: Kafka, PostgreSQL and warehouse, topics made, migrations applied."""
    all_servers.start(all_servers.kafka, all_servers.postgres, all_servers.warehouse)
    return all_servers.settings


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; without it the test is skipped, and says so."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"SKIPPED LOUDLY: no real recordings at {SHARED_DATA}; files written by the simulator stand in elsewhere")
    return SHARED_DATA


IN_ONE_HOUSE = ("tests/e2e/test_a_class.py", "tests/e2e/test_same_numbers.py", "tests/e2e/docs/test_commands.py")
"""In this order: the first counts all that is in the house, the last gives its people new passwords."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Whole files, and those that share a house to one worker: starting one takes twenty seconds of two processors."""

    class ByHouse(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "one house" if file in IN_ONE_HOUSE else file

    return ByHouse(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole folders in their order, but what takes longest for its few tests not last, on one worker alone.

    The shared house comes after all other houses of its folder: it stands until the worker has left the folder.
    """

    def turn(item: pytest.Item) -> tuple[bool, str, int]:
        file = item.path.relative_to(ROOT).as_posix()
        in_house = IN_ONE_HOUSE.index(file) + 1 if file in IN_ONE_HOUSE else 0
        return not file.startswith("tests/upgrade/"), file.split("/")[1], in_house

    items.sort(key=turn)
