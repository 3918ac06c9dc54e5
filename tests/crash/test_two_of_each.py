"""Two gateways, two APIs, two processes of each flow on three Kafka nodes: one of each dies under load, and nothing is lost."""

import httpx
import pytest

from infra.settings import REPLICA_PORTS
from infra.supervisor.ports import Port, is_free
from tests.crash.house import NODE, SUPERVISOR, House, crash_house
from tests.crash.run import Form, Outcome, run
from tests.crash.table import lines
from tests.running import free_ports, wait_until

pytestmark = pytest.mark.servers
KILLED = ("gateway-2", "api", "flow-live-1", "flow-store-0", f"{NODE} 2")
FORM = Form(seed=11, kills=len(KILLED), members=300, pause_s=(0.2, 0.8), quiet_before_s=2, quiet_after_s=2, parts=KILLED)
Ended = tuple[Outcome, list[str], tuple[str, ...]]
TWO = {"api_replicas": 2, "gateway_replicas": 2, "flow_groups": 2}


def ports_in_pairs() -> dict[str, int]:
    """Ports of the doors beside which their replicas' ports are free, too."""
    pairs = (port for port in free_ports(40) if is_free(Port(port + REPLICA_PORTS, "")))
    return {"api_port": next(pairs), "gateway_port": next(pairs)}


@pytest.fixture(scope="module")
def ended() -> Ended:
    """What the run came to, how the live path stands at each API afterwards, and which parts there were."""
    with crash_house(three=True, **TWO, **ports_in_pairs()) as house:
        found = run(house, FORM, print)
        print("\n".join(lines(found)))  # noqa: T201 - shown when a test fails
        if found.faults:
            print(house.last_words())  # noqa: T201 - as above
        return found, [_live_path(house, url) for url in house.api_urls], house.parts


def _live_path(house: House, url: str) -> str:
    """At an API, once it is open."""

    def state() -> str:
        return str(httpx.get(f"{url}/health", trust_env=False).json()["live_path"]["state"])

    wait_until(lambda: state() == "ok", f"the live path at {url}", pause_s=0.5)
    return state()


def test_nothing_is_lost_doubled_or_changed_though_one_of_each_is_killed(ended: Ended) -> None:
    outcome, _paths, _parts = ended
    assert outcome.faults == []
    assert {death.part: (death.seen, death.away) for death in outcome.deaths} == dict.fromkeys(KILLED, (1, False))


def test_there_were_two_of_each_and_three_nodes(ended: Ended) -> None:
    _outcome, _paths, parts = ended
    doors = {"api", "api-2", "gateway", "gateway-2"}
    flows = {f"flow-{flow}-{group}" for flow in ("store", "live") for group in (0, 1)}
    nodes = {f"{NODE} {number}" for number in (1, 2, 3)}
    assert set(parts) == doors | flows | nodes | {"postgres", "warehouse", SUPERVISOR}


def test_each_api_finds_its_live_path_open_again(ended: Ended) -> None:
    _outcome, paths, _parts = ended
    assert paths == ["ok", "ok"]
