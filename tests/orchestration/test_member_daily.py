"""Members' days: fitness, fatigue and form by the published formulas, the same rows whatever is computed first."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from orchestration.days import days_between
from orchestration.installation import Installation
from orchestration.loads import NOTHING, daily_loads, days_that_differ
from pipelines.steps.fitness import form_over_days
from tests.orchestration.conftest import Run
from tests.orchestration.gym import Gym

pytestmark = pytest.mark.servers
ONLY = {"selection": ["member_daily"]}
ROWS_SQL = """
SELECT member_id, toString(day) AS day, sessions, load, effort_points, seconds_seen, fitness, fatigue, form, history_days
FROM v_member_daily WHERE member_id IN {members:Array(UInt64)} ORDER BY member_id, day
"""


def rows(gym: Gym) -> list[dict[str, Any]]:
    return gym.rows(ROWS_SQL, members=[who.member_id for who in gym.people])


def stale(gym: Gym, days: Sequence[date]) -> set[tuple[date, int]]:
    with Installation(gym.settings, gym.clock).warehouse("reader") as reader:
        found = days_that_differ(reader, daily_loads(reader, days[-1]), days)
    ours = {who.member_id for who in gym.people}
    return {(one.day, one.member_id) for one in found if one.member_id in ours}


def test_days_may_be_computed_in_any_order_and_again(gym: Gym, run: Run) -> None:
    for day, bpm in ((6, 150), (4, 165), (4, 120), (1, 140)):
        gym.held(gym.days_ago(day), bpm=bpm).summarised()
    days = days_between(gym.days_ago(8), gym.today)
    run("days", days, **ONLY)
    together = rows(gym)
    assert len(together) == 3 * 7, "from the first class on, rest days too, nothing before"
    gym.forget_days()
    assert rows(gym) == []
    for day in (days[7], days[3], days[5], days[2], days[6], days[4], days[8]):
        gym.clock.forward(1)
        run("days", [day], **ONLY)
    assert rows(gym) == together


def test_the_figures_are_those_of_the_formulas(gym: Gym, run: Run) -> None:
    first, second = gym.held(gym.days_ago(3), bpm=160), gym.held(gym.days_ago(1), bpm=150)
    load = {}
    for held in (first, second):
        for member in held.summarised().members:
            load[held.session_id, member.member_id] = member.trimp or 0.0
    run("days", days_between(gym.days_ago(3), gym.today), **ONLY)
    one = gym.people[0].member_id
    mine = [row for row in rows(gym) if row["member_id"] == one]
    assert [row["load"] for row in mine] == [load[first.session_id, one], 0.0, load[second.session_id, one], 0.0]
    form = form_over_days([row["load"] for row in mine])
    for name in ("fitness", "fatigue", "form"):
        assert [row[name] for row in mine] == getattr(form, name).tolist()
    assert [row["history_days"] for row in mine] == [1, 2, 3, 4]
    assert [row["sessions"] for row in mine] == [1, 0, 1, 0]
    assert {name: mine[1][name] for name in NOTHING} == NOTHING


def test_a_summary_that_changes_later_is_told_as_the_days_to_compute_again(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(3))
    held.summarised()
    days = days_between(gym.days_ago(3), gym.today - timedelta(days=1))
    checks = run("days", days).get_asset_check_evaluations()
    assert [check.check_name for check in checks if not check.passed] == []
    late = [held.reading(gym.people[0].member_id, second, 189, delay_ms=900_000) for second in range(100, 200)]
    gym.store(late)
    run("days", days[:1], selection=["class_summary"])
    assert stale(gym, days) == {(day, gym.people[0].member_id) for day in days}
    run("days", days, **ONLY)
    assert stale(gym, days) == set()
