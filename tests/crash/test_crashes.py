"""Two gateways, two APIs, two processes of each flow on three Kafka nodes: every part dies under load, and all answers are what
an undisturbed run answers.

`make chaos` does the same for longer and under more load; docs/reliability.md tells what is promised.
"""

from dataclasses import dataclass

import httpx
import pytest

from infra.settings import REPLICA_PORTS
from tests.crash.house import NODE, SUPERVISOR, House, crash_house
from tests.crash.run import Form, Outcome, run
from tests.crash.table import lines
from tests.running import free_pairs, wait_until

pytestmark = pytest.mark.servers
TWO = {"api_replicas": 2, "gateway_replicas": 2, "flow_groups": 2}
TWICE = ("postgres", "warehouse", "flow-store-0", "flow-live-0", "api", "gateway")
ONCE = ("flow-store-1", "flow-live-1", "api-2", "gateway-2", SUPERVISOR, *(f"{NODE} {number}" for number in (1, 2, 3)))
FORM = Form(seed=4, kills=20, members=600, pause_s=(0.1, 1.0), quiet_before_s=1, quiet_after_s=1, once=ONCE)


@dataclass(frozen=True)
class Ended:
    """What the run came to, and how the live path stands at each API afterwards."""

    outcome: Outcome
    live_paths: list[str]


@pytest.fixture(scope="module")
def ended() -> Ended:
    """One run; all it found is shown when a test fails."""
    with crash_house(three=True, **TWO, **_doors()) as house:
        found = run(house, FORM, print)
        print("\n".join(lines(found)))  # noqa: T201 - as above
        if found.faults:
            print(house.last_words())  # noqa: T201 - as above
        return Ended(found, [_live_path(house, url) for url in house.api_urls])


def _doors() -> dict[str, int]:
    """Their ports, behind which their replicas have theirs."""
    api, gateway = free_pairs(2, REPLICA_PORTS)
    return {"api_port": api, "gateway_port": gateway}


def _live_path(house: House, url: str) -> str:
    """At an API, once it is open."""

    def state() -> str:
        return str(httpx.get(f"{url}/health", trust_env=False).json()["live_path"]["state"])

    wait_until(lambda: state() == "ok", f"the live path at {url}", pause_s=0.5)
    return state()


def test_nothing_is_lost_doubled_or_changed_though_every_part_is_killed(ended: Ended) -> None:
    assert ended.outcome.faults == []


def test_every_part_was_killed_and_came_back(ended: Ended) -> None:
    deaths = {death.part: death for death in ended.outcome.deaths}
    assert deaths.keys() == {*TWICE, *ONCE}
    assert {deaths[part].seen for part in ONCE} == {1}
    assert {deaths[part].seen for part in TWICE} == {2}
    assert sum(death.seen for death in deaths.values()) == FORM.kills
    assert [death.part for death in deaths.values() if death.away] == []


def test_events_that_the_gateway_had_forgotten_stood_in_the_log_twice_and_counted_once(ended: Ended) -> None:
    assert ended.outcome.doubled_in_log > 0
    assert ended.outcome.faults == []


def test_each_api_finds_its_live_path_open_again(ended: Ended) -> None:
    assert ended.live_paths == ["ok", "ok"]
