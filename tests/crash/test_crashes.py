"""Every part of a house dies under load, several times; what it answers afterwards is what an undisturbed one answers.

`make chaos` does the same for longer and under more load; docs/reliability.md tells what is promised.
"""

import pytest

from tests.crash.house import NODE, SUPERVISOR, crash_house
from tests.crash.run import Form, Outcome, run
from tests.crash.table import lines

pytestmark = pytest.mark.servers


def tried(form: Form, *, three: bool = False) -> Outcome:
    """One run; what it found is shown when the test fails."""
    with crash_house(three=three) as house:
        outcome = run(house, form, print)
        print("\n".join(lines(outcome)))  # noqa: T201 - as above
        if outcome.faults:
            print(house.last_words())  # noqa: T201 - as above
    return outcome


def test_nothing_is_lost_doubled_or_changed_though_every_part_is_killed() -> None:
    outcome = tried(Form(seed=4, kills=16, members=1_000, pause_s=(0.2, 1.5)))
    assert outcome.faults == []
    killed = {death.part: len(death.recoveries_s) for death in outcome.deaths}
    assert sum(killed.values()) == 16
    assert set(killed) == {
        *("kafka", "postgres", "warehouse", "flow-store-0", "flow-live-0", "api", "gateway"),
        SUPERVISOR,
    }
    assert min(killed.values()) == 2
    assert outcome.doubled_in_log > 0, "events that were sent again after the gateway had forgotten them stood in the log twice"


def test_nor_when_a_node_of_three_is_killed_under_load() -> None:
    parts = (*(f"{NODE} {number}" for number in (1, 2, 3)), "gateway", "flow-live-0")
    outcome = tried(Form(seed=5, kills=5, members=350, pause_s=(0.2, 1.5), parts=parts), three=True)
    assert outcome.faults == []
    assert {death.part: len(death.recoveries_s) for death in outcome.deaths} == dict.fromkeys(parts, 1)
