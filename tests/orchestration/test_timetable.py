"""What asks for work: the sensor once for what lacks a summary, the night for yesterday and what came late."""

from datetime import UTC, datetime, time
from typing import Any

import dagster as dg
import pytest

from infra.clock import system_clock
from infra.errors import Unavailable
from infra.settings import Settings
from orchestration.assets.timetable import every_night, sessions_without_summary
from orchestration.days import RANGE_END, RANGE_START
from orchestration.definitions import definitions
from orchestration.installation import Installation
from schemas.directory import SessionRecord
from tests.conftest import FakeClock
from tests.orchestration.conftest import Run
from tests.orchestration.gym import Gym

GRAPH = {
    "backup": ([], ["restores", "unharmed"]),
    "class_summary": ([], ["doubles", "drift", "freshness", "gaps"]),
    "dead_letter_digest": ([], ["nothing_refused_today"]),
    "kafka_topic_settings": ([], ["topics_as_declared"]),
    "member_daily": (["class_summary"], ["follows_summaries"]),
}


def tick(gym: Gym) -> Any:
    resources = {"installation": Installation(gym.settings, gym.clock)}
    return sessions_without_summary(dg.build_sensor_context(resources=resources))


def span(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags[RANGE_START], request.tags[RANGE_END]


def test_the_graph_is_this_and_everything_is_explained() -> None:
    made = definitions(Settings(), system_clock)
    dg.Definitions.validate_loadable(made)
    graph = made.resolve_asset_graph()
    found = {
        key.to_user_string(): (
            sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            sorted(check.name for check in graph.asset_check_keys if check.asset_key == key),
        )
        for key in graph.get_all_asset_keys()
    }
    assert found == GRAPH
    assert [key for key in graph.get_all_asset_keys() if not graph.get(key).description] == []
    repository = made.get_repository_def()
    assert all(sensor.description or sensor.name for sensor in repository.sensor_defs)
    assert {schedule.name: schedule.default_status.value for schedule in repository.schedule_defs} == {
        "every_night": "RUNNING",
        "every_morning": "RUNNING",
        "backup_every_night": "RUNNING",
        "restore_every_week": "RUNNING",
    }


@pytest.mark.servers
def test_the_sensor_asks_for_the_day_of_a_session_without_summary_and_the_days_after(gym: Gym, run: Run) -> None:
    assert isinstance(tick(gym), dg.SkipReason)
    gym.held(gym.days_ago(2))
    (request,) = tick(gym).run_requests
    assert span(request) == (gym.days_ago(2).isoformat(), gym.today.isoformat())
    (again,) = tick(gym).run_requests
    assert again.run_key == request.run_key, "asked for once"
    days = [gym.days_ago(2), gym.today]
    assert run("days", days).success
    assert isinstance(tick(gym), dg.SkipReason)
    fresh = gym.held(gym.days_ago(1))
    gym.clock.now_ms = fresh.record.ended_at_ms + 60_000
    assert isinstance(tick(gym), dg.SkipReason), "flow live has five minutes"
    gym.clock.forward(300)
    assert len(tick(gym).run_requests) == 1


@pytest.mark.servers
def test_the_night_takes_yesterday_and_the_days_that_late_readings_change(gym: Gym) -> None:
    at = datetime.combine(gym.today, time(3, 20), UTC)
    resources = {"installation": Installation(gym.settings, gym.clock)}

    def night() -> dg.RunRequest:
        asked = every_night(dg.build_schedule_context(scheduled_execution_time=at, resources=resources))
        assert isinstance(asked, dg.RunRequest)
        return asked

    held = gym.held(gym.days_ago(4))
    yesterday = gym.days_ago(1).isoformat()
    assert span(night()) == (yesterday, yesterday)
    gym.store([held.reading(gym.people[0].member_id, 5, 150, delay_ms=3 * 24 * 3_600_000)])
    assert span(night()) == (gym.days_ago(4).isoformat(), yesterday)


class Away(Installation):
    """A house whose Kafka is away."""

    def sessions(self) -> list[SessionRecord]:
        raise Unavailable("Kafka does not answer")


def test_a_night_without_kafka_asks_for_all_days_that_may_have_changed(clock: FakeClock) -> None:
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 21, 3, 20, tzinfo=UTC),
        resources={"installation": Away(Settings(), clock)},
    )
    assert span(every_night(context)) == ("2026-11-12", "2026-11-20")
