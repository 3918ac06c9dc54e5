"""Every part of a house dies under load, several times; what it answers afterwards is what an undisturbed one answers.

`make chaos` does the same for longer and under more load; docs/reliability.md tells what is promised.
"""

import pytest

from tests.crash.house import NODE, SUPERVISOR, crash_house
from tests.crash.run import Form, Outcome, run
from tests.crash.table import lines

pytestmark = pytest.mark.servers
TWICE = ("postgres", "warehouse", "flow-store-0", "flow-live-0", "api", "gateway")
ONCE = (SUPERVISOR, *(f"{NODE} {number}" for number in (1, 2, 3)))
"""What takes longest to come back."""
FORM = Form(seed=4, kills=20, members=600, pause_s=(0.1, 1.0), quiet_before_s=1, quiet_after_s=1, once=ONCE)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """One run, on a Kafka of three nodes; all it found is shown when a test fails."""
    with crash_house(three=True) as house:
        found = run(house, FORM, print)
        print("\n".join(lines(found)))  # noqa: T201 - as above
        if found.faults:
            print(house.last_words())  # noqa: T201 - as above
    return found


def test_nothing_is_lost_doubled_or_changed_though_every_part_is_killed(outcome: Outcome) -> None:
    assert outcome.faults == []


def test_every_part_was_killed_and_came_back(outcome: Outcome) -> None:
    deaths = {death.part: death for death in outcome.deaths}
    assert deaths.keys() == {*TWICE, *ONCE}
    assert {deaths[part].seen for part in ONCE} == {1}
    assert min(deaths[part].seen for part in TWICE) == 2
    assert sum(death.seen for death in deaths.values()) == FORM.kills
    assert [death.part for death in deaths.values() if death.away] == []


def test_events_that_the_gateway_had_forgotten_stood_in_the_log_twice_and_counted_once(outcome: Outcome) -> None:
    assert outcome.doubled_in_log > 0
    assert outcome.faults == []
