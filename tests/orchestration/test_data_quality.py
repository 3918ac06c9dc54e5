"""The checks of a day: all pass on a clean one, and each names what it found on one that is not."""

from typing import Any

import dagster as dg
import pytest
from msgspec.structs import replace as with_fields

from pipelines.result_rows import summary_rows
from tests.orchestration.conftest import Run
from tests.orchestration.gym import Gym

pytestmark = pytest.mark.servers


def checks(result: Any) -> dict[str, dg.AssetCheckEvaluation]:
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def told(check: dg.AssetCheckEvaluation, name: str) -> list[dict[str, Any]]:
    value: Any = check.metadata[name].value
    return [record.data for record in value.records] if hasattr(value, "records") else [r.data for r in value]


def test_a_clean_day_passes_everything(gym: Gym, run: Run) -> None:
    gym.held(gym.days_ago(2)).summarised()
    found = checks(run("days", [gym.days_ago(2)]))
    assert set(found) == {"gaps", "doubles", "drift", "freshness", "follows_summaries"}
    assert [name for name, check in found.items() if not check.passed] == []
    assert found["drift"].metadata["compared"].value == 1


def test_drift_names_the_member_and_the_figure(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(3))
    summary = held.summarised()
    first = summary.members[0]
    wrong = type(first)(**(vars(first) | {"effort_points": first.effort_points + 1, "revision": 2}))
    fields = vars(summary) | {"members": (wrong, *summary.members[1:]), "revision": 2}
    gym.write(summary_rows(type(summary)(**fields)))
    drift = checks(run("days", [gym.days_ago(3)]))["drift"]
    assert not drift.passed
    (line,) = told(drift, "which")
    assert (line["member_id"], line["figure"]) == (first.member_id, "effort_points")
    assert line["stored"] == line["recomputed"] + 1


def test_whoever_was_taken_off_the_roster_is_no_drift(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(4))
    held.summarised()
    gym.tell(with_fields(held.record, participants=held.record.participants[1:]))
    drift = checks(run("days", [gym.days_ago(4)]))["drift"]
    assert drift.passed
    assert drift.metadata["compared"].value == 0


def test_a_strap_that_was_away_too_long_is_named(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(5), stored=False)
    away = gym.people[1].member_id
    begin_ms = held.record.started_at_ms + 60_000
    held.readings = [r for r in held.readings if r.member_id != away or not begin_ms <= r.event_time_ms < begin_ms + 60_000]
    gym.store(held.readings)
    gym.store_events(held.events)
    held.summarised()
    gaps = checks(run("days", [gym.days_ago(5)]))["gaps"]
    assert not gaps.passed
    assert gaps.severity == dg.AssetCheckSeverity.WARN
    (line,) = told(gaps, "longest away")
    assert (line["member_id"], line["missing_s"], line["gaps"]) == (away, 61, 1)


def test_a_session_without_summary_is_not_fresh(gym: Gym, run: Run) -> None:
    gym.held(gym.days_ago(1), stored=False)
    freshness = checks(run("days", [gym.days_ago(1)]))["freshness"]
    assert not freshness.passed
