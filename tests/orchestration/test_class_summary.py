"""Summaries that are missing are written, late readings are taken in, and what is right or past mending is left alone."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestration.installation import Installation
from orchestration.repair import HISTORY_MS, repair
from pipelines.history import stored_members, stored_summary
from schemas.directory import SessionRecord
from tests.orchestration.conftest import Run
from tests.orchestration.gym import Gym

pytestmark = pytest.mark.servers
MEMBERS_ONLY = {"selection": ["class_summary"]}


def outcomes(result: Any) -> dict[str, int]:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key.path == ["class_summary"]][-1:]
    found: dict[str, int] = event.materialization.metadata["outcomes"].value
    return found


def figures(gym: Gym, session_id: str) -> list[dict[str, Any]]:
    with Installation(gym.settings, gym.clock).warehouse("reader") as reader:
        return stored_members(reader, session_id)


def revision(gym: Gym, session_id: str) -> int:
    with Installation(gym.settings, gym.clock).warehouse("reader") as reader:
        found = stored_summary(reader, session_id)
    return found.revision if found else 0


def test_a_missing_summary_is_what_the_stream_would_have_written(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(2))
    assert outcomes(run("days", [gym.days_ago(2)], **MEMBERS_ONLY)) == {"written": 1}
    live = {member.member_id: vars(member) for member in held.live_summary().members}
    stored = figures(gym, held.session_id)
    assert len(stored) == len(gym.people)
    for row in stored:
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in live[row["member_id"]].items()}
        assert row == {name: told[name] for name in row}
    assert outcomes(run("days", [gym.days_ago(2)], **MEMBERS_ONLY)) == {"complete": 1}
    assert revision(gym, held.session_id) == 1


def test_readings_that_came_after_the_end_lead_to_the_next_revision_once(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(3))
    held.summarised()
    late = [held.reading(gym.people[0].member_id, second, 190, delay_ms=900_000) for second in range(60, 70)]
    gym.store(late)
    assert outcomes(run("days", [gym.days_ago(3)], **MEMBERS_ONLY)) == {"corrected": 1}
    assert figures(gym, held.session_id)[0]["heart_rate_max_bpm"] == 190
    assert outcomes(run("days", [gym.days_ago(3)], **MEMBERS_ONLY)) == {"complete": 1}
    assert revision(gym, held.session_id) == 2
    told = gym.rows("SELECT revision FROM v_summary_corrections WHERE session_id = {s:UUID}", s=held.session_id)
    assert told == [{"revision": 2}]


def test_what_no_late_reading_explains_is_computed_anew_only_when_asked(gym: Gym, run: Run) -> None:
    held = gym.held(gym.days_ago(4))
    held.summarised()
    gym.store([held.reading(gym.people[1].member_id, second, 185) for second in range(30, 40)])
    day = [gym.days_ago(4)]
    assert outcomes(run("days", day, **MEMBERS_ONLY)) == {"complete": 1}
    every = {"ops": {"class_summary": {"config": {"every": True}}}}
    assert outcomes(run("days", day, config=every, **MEMBERS_ONLY)) == {"corrected": 1}


def one(gym: Gym, record: SessionRecord, now_ms: int) -> str:
    house = Installation(gym.settings, gym.clock)
    with house.warehouse("reader") as reader, house.warehouse("writer") as writer:
        return repair(reader, writer, record, now_ms, every=True).outcome


def test_a_class_that_ended_a_moment_ago_or_is_not_all_stored_is_left_to_the_flow(gym: Gym) -> None:
    held = gym.held(gym.days_ago(5), stored=False)
    ended_at_ms = held.record.ended_at_ms or 0
    assert one(gym, held.record, gym.clock()) == "waiting"
    gym.store(held.readings)
    assert one(gym, held.record, gym.clock()) == "waiting", "its end is not stored"
    gym.store_events(held.events)
    assert one(gym, held.record, ended_at_ms + 60_000) == "waiting"
    assert one(gym, held.record, ended_at_ms + 660_000) == "written"


def test_a_summary_whose_telemetry_is_leaving_is_not_touched(gym: Gym) -> None:
    held = gym.held(gym.days_ago(6))
    after_a_month = held.record.started_at_ms + HISTORY_MS
    assert one(gym, held.record, after_a_month) == "too old"
    assert figures(gym, held.session_id) == []
    held.summarised()
    gym.store([held.reading(gym.people[0].member_id, 5, 190, delay_ms=900_000)])
    assert one(gym, held.record, after_a_month) == "too old"
    assert revision(gym, held.session_id) == 1


def test_nobody_is_lost_who_was_taken_off_the_roster_meanwhile(gym: Gym) -> None:
    held = gym.held(gym.days_ago(7))
    held.summarised()
    fewer = replace(held.record, participants=held.record.participants[1:])
    assert one(gym, fewer, gym.clock()) == "other people"
    assert len(figures(gym, held.session_id)) == 3
