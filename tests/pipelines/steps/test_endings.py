"""The end of a session: summary, minutes, what comes late, and when all is put away."""

from typing import Any

import pytest
from msgspec.structs import replace

from pipelines.steps.recompute import summarise
from pipelines.steps.shard import LiveShard
from pipelines.steps.shard_state import KEPT_AFTER_END_MS
from schemas.events import SessionEnded
from tests.pipelines.steps.people import SESSION, STARTED_MS, heart_rates, member, reading, session

END_MS = STARTED_MS + 600_000


def ended(record: Any) -> Any:
    return replace(record, state="completed", ended_at_ms=END_MS)


def running(*people: Any) -> tuple[LiveShard, Any]:
    record = session(people or [member(1), member(2)])
    shard = LiveShard.restore(None)
    shard.put_session(record)
    shard.tick(STARTED_MS, caught_up=True)
    return shard, record


def test_the_summary_is_written_the_moment_the_class_ends_and_once() -> None:
    shard, record = running()
    shard.readings(heart_rates(1, [150] * 300))
    assert shard.take_summaries() == []
    shard.app_events([SessionEnded(event_id="end:1234", session_id=SESSION, event_time_ms=END_MS)])
    (summary,) = shard.take_summaries()
    assert (summary.revision, summary.computed_from, summary.expected, summary.attended) == (1, "live", 2, 1)
    assert (summary.started_at, summary.ended_at, summary.class_type) == (STARTED_MS, END_MS, "spinning")
    shard.put_session(ended(record))
    assert shard.take_summaries() == []


def test_a_flow_that_works_off_a_backlog_waits_with_the_summary() -> None:
    record = session([member(1)])
    shard = LiveShard.restore(None)
    shard.put_session(ended(record))
    shard.readings(heart_rates(1, [150] * 100))
    shard.tick(END_MS + 5_000, caught_up=False)
    assert shard.take_summaries() == []
    shard.readings(heart_rates(1, [150] * 100, begin_s=100))
    shard.tick(END_MS + 9_000, caught_up=True)
    (summary,) = shard.take_summaries()
    assert summary.members[0].seconds_seen == 200


def test_the_documented_summary() -> None:
    people = [member(n, resting_heart_rate_bpm=None, max_heart_rate_bpm=200) for n in range(1, 11)]
    shard, record = running(*people)
    for at in range(120):
        shard.readings([reading(n, at * 1000, heart_rate_bpm=(170 if n == 1 else 150) - at % 2) for n in range(1, 11)])
    shard.put_session(ended(record))
    (summary,) = shard.take_summaries()
    document = summary.summary
    assert list(document)[:9] == [
        "class_id",
        "class_type",
        "date",
        "duration_minutes",
        "attendance",
        "intensity",
        "performance_highlights",
        "improvement_areas",
        "member_achievements",
    ]
    assert (document["class_id"], document["date"], document["duration_minutes"]) == (5, "2025-11-21", 10)
    assert document["attendance"] == {"expected": 10, "actual": 10}
    assert document["intensity"]["distribution"] == {"low": 0, "medium": 0, "high": 10}
    assert document["intensity"]["average"] == pytest.approx((8.475 + 9 * 7.475) / 10)
    assert document["performance_highlights"] == [
        {"type": "high_intensity", "message": "High overall class intensity (7.6/10)"},
        {"type": "high_attendance", "message": "Excellent attendance rate (10/10 members, 100%)"},
    ]
    assert document["improvement_areas"] == []
    assert [(a["member_id"], a["type"], a["message"]) for a in document["member_achievements"]] == [
        (1, "high_intensity", "Member 1 maintained very high intensity throughout class"),
        (1, "most_effort", "Member 1 earned the most effort points of the class (8)"),
    ]


def test_what_a_class_can_improve() -> None:
    people = [member(n, resting_heart_rate_bpm=None, max_heart_rate_bpm=200) for n in range(1, 8)]
    shard, record = running(*people)
    rates = {1: 60, 2: 100, 3: 150, 4: 110}
    for at in range(60):
        shard.readings([reading(n, at * 1000, heart_rate_bpm=bpm + at % 2) for n, bpm in rates.items()])
    shard.put_session(ended(record))
    (summary,) = shard.take_summaries()
    assert summary.summary["improvement_areas"] == [
        {"type": "low_attendance", "message": "Low attendance rate (4/7 members, 57%)"}
    ]
    assert (summary.intensity_low, summary.intensity_medium, summary.intensity_high) == (1, 2, 1)
    assert summary.summary["absent"] == ["Member 5", "Member 6", "Member 7"]


def test_intensities_all_over_the_place_are_an_improvement_area() -> None:
    people = [member(n, resting_heart_rate_bpm=None, max_heart_rate_bpm=200) for n in range(1, 8)]
    shard, record = running(*people)
    for at in range(60):
        rates = {1: 60, 2: 60, 3: 60, 4: 110, 5: 110, 6: 150, 7: 150}
        shard.readings([reading(n, at * 1000, heart_rate_bpm=bpm + at % 2) for n, bpm in rates.items()])
    shard.put_session(ended(record))
    (summary,) = shard.take_summaries()
    assert [area["type"] for area in summary.summary["improvement_areas"]] == ["inconsistent_intensity"]


def test_a_class_without_anybody_has_a_summary_too() -> None:
    shard, record = running()
    shard.put_session(ended(record))
    (summary,) = shard.take_summaries()
    assert (summary.attended, summary.average_intensity) == (0, None)
    assert summary.members[0].heart_rate_avg_bpm is None
    assert summary.members[0].zone_s == (0.0,) * 6


def test_readings_that_follow_the_end_closely_make_a_second_revision_when_all_is_quiet() -> None:
    shard, record = running(member(1))
    shard.readings(heart_rates(1, [150] * 590))
    shard.put_session(ended(record))
    assert len(shard.take_summaries()) == 1
    shard.tick(END_MS + 1_000, caught_up=True)
    shard.readings(heart_rates(1, [150] * 10, begin_s=590))
    assert shard.take_summaries() == []
    shard.tick(END_MS + 4_500, caught_up=True)
    (summary,) = shard.take_summaries()
    assert (summary.revision, summary.members[0].seconds_seen) == (2, 600)


def test_late_readings_correct_the_stored_summary_once_no_more_come() -> None:
    shard, record = running(member(1))
    stored = [reading(1, at * 1000, heart_rate_bpm=150, received=400_000) for at in range(100, 200)]
    others = [*heart_rates(1, [140] * 100), *heart_rates(1, [140] * 300, begin_s=200)]
    assert shard.readings(others) == []
    shard.tick(END_MS, caught_up=True)
    shard.put_session(ended(record))
    (first,) = shard.take_summaries()
    assert shard.take_recomputations(END_MS) == []
    assert shard.readings(stored) == stored
    assert shard.take_recomputations(END_MS + 1_000) == []
    assert shard.take_recomputations(END_MS + 3_000) == [SESSION]
    assert shard.take_recomputations(END_MS + 9_000) == []
    assert shard.take_summaries() == []
    corrected = summarise(ended(record), [*others, *stored], [], revision=2, late_events=100)
    assert (corrected.revision, corrected.late_events, corrected.computed_from) == (2, 100, "telemetry_raw")
    assert first.members[0].seconds_seen == 400
    assert corrected.members[0].seconds_seen == 500
    assert corrected.members[0].heart_rate_avg_bpm == pytest.approx(142)
    live = {minute.minute: minute for minute in shard.take_minutes()}
    again = {minute.minute: minute for minute in corrected.minutes}
    assert live.keys() < again.keys()
    assert all(again[at].version > live[at].version for at in live)


def test_late_readings_of_a_running_class_correct_its_first_summary() -> None:
    shard, record = running(member(1))
    shard.readings(heart_rates(1, [140] * 200))
    late = heart_rates(1, [141], begin_s=100)
    assert shard.readings(late) == late
    assert shard.take_recomputations(STARTED_MS + 500_000) == []
    shard.put_session(ended(record))
    assert len(shard.take_summaries()) == 1
    shard.tick(END_MS, caught_up=True)
    assert shard.take_recomputations(END_MS + 5_000) == [SESSION]


def test_sixty_seconds_behind_is_in_time_and_sixty_one_is_late() -> None:
    shard, _ = running(member(1))
    shard.readings([reading(1, 100_000, heart_rate_bpm=140)])
    behind = [reading(1, at, heart_rate_bpm=140) for at in (40_000, 39_000)]
    assert shard.readings(behind) == behind[1:]


def test_minutes_are_whole_minutes_of_the_day_and_add_up_to_the_session() -> None:
    shard, record = running(member(1), member(2))
    for at in range(600):
        shard.readings([reading(1, at * 1000, heart_rate_bpm=120 + at % 60), reading(2, at * 1000, power_watts=100 + at % 7)])
        shard.tick(STARTED_MS + at * 1000, caught_up=True)
    closed = shard.take_minutes()
    assert all(minute.minute % 60 == 0 for minute in closed)
    assert {minute.minute for minute in closed if minute.member_id == 1} == {
        STARTED_MS // 60_000 * 60 + 60 * n for n in range(9)
    }
    shard.put_session(ended(record))
    (summary,) = shard.take_summaries()
    newest = {(m.member_id, m.minute): m for m in [*closed, *shard.take_minutes()]}
    mine = [minute for (member_id, _), minute in newest.items() if member_id == 1]
    total = summary.members[0]
    assert sum(minute.seconds_seen for minute in mine) == total.seconds_seen == 600
    assert [sum(zone) for zone in zip(*(m.zone_s for m in mine), strict=True)] == list(total.zone_s)
    assert sum(minute.trimp for minute in mine) == pytest.approx(total.trimp)
    assert max(minute.heart_rate_max_bpm or 0 for minute in mine) == total.heart_rate_max_bpm
    powered = [minute for (member_id, _), minute in newest.items() if member_id == 2]
    assert all(minute.heart_rate_avg_bpm is None and minute.intensity is None for minute in powered)
    assert all(100 <= (minute.power_avg_watts or 0) <= 106 for minute in powered)


def test_an_old_session_is_put_away_and_what_still_comes_corrects_its_summary() -> None:
    shard, record = running(member(1))
    shard.put_session(session([member(9)], session_id="0192aaaa-0000-7000-8000-000000000002"))
    shard.readings(heart_rates(1, [140] * 100))
    shard.readings([reading(9, 0, heart_rate_bpm=111, session_id="0192aaaa-0000-7000-8000-000000000002")])
    shard.put_session(ended(record))
    shard.take_summaries()
    shard.tick(END_MS + KEPT_AFTER_END_MS + 1_000, caught_up=True)
    shard = LiveShard.restore(shard.snapshot())
    assert shard.knows(SESSION)
    (update,) = shard.take_live(END_MS + KEPT_AFTER_END_MS + 2_000)
    assert (update.session_id[-1], update.columns["heart_rate_bpm"]) == ("2", [111])
    shard.put_session(ended(record))
    assert shard.take_summaries() == []
    late = heart_rates(1, [140], begin_s=300)
    assert shard.readings(late) == late
    assert shard.take_recomputations(END_MS + KEPT_AFTER_END_MS + 9_000) == [SESSION]
