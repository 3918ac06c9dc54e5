"""Events up to seven days late, in any order, doubled, across the class's end: in the end everything is as if in order."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipelines.correction_pace import LONGEST_PAUSE_MS
from schemas.directory import ClassLimits, Limits, SessionRecord
from schemas.events import CheckedIn, Reading, SessionEnded, SessionPaused, SessionResumed
from schemas.tables import (
    ALERTS,
    APP_EVENTS,
    CLASS_SUMMARIES,
    MEMBER_MINUTES,
    MEMBER_SUMMARIES,
    SUMMARY_CORRECTIONS,
    TELEMETRY_RAW,
)
from schemas.topics import ALERTS as ALERTS_TOPIC
from tests.late.small_world import Row, SmallWorld
from tests.pipelines.steps.people import SESSION, STARTED_MS, member, reading, session

SECONDS = 300
END_MS = STARTED_MS + SECONDS * 1000
DAY_MS = 24 * 3_600_000
LIMITS = Limits(heart_rate_high_bpm=180, heart_rate_low_bpm=90, fatigue_drop_share=0.1)
PEOPLE = [member(n, limits=LIMITS) for n in (1, 2, 3)]
RECORD = session(PEOPLE, limits=ClassLimits(intensity_low=4, intensity_high=6))
ENDED = replace(RECORD, state="completed", ended_at_ms=END_MS)
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
RESULTS: dict[Any, tuple[str, ...]] = {
    TELEMETRY_RAW: ("received_at",),
    APP_EVENTS: ("received_at", "body"),
    MEMBER_MINUTES: ("version",),
    MEMBER_SUMMARIES: ("alerts", "revision", "computed_from"),
    CLASS_SUMMARIES: ("alerts", "revision", "computed_from", "late_events"),
}
"""Tables whose rows must agree, and what tells of the way: when it came, how often it was corrected, alerts of the moment."""


@st.composite
def measured(draw: st.DrawFn) -> list[Reading]:
    """Three members' class: heart rates that cross limits, power, speed with distance, intervals; holes; and a while more."""
    events: list[Reading] = []
    for who in (1, 2, 3):
        base, step_ms = draw(st.sampled_from([85, 130, 150, 178])), draw(st.sampled_from([1_000, 1_000, 2_000, 700]))
        hole = draw(st.integers(0, SECONDS))
        kind = draw(st.sampled_from(["power_watts", "speed_mps", "cadence_rpm"]))
        for number in range((SECONDS + 20) * 1000 // step_ms):
            at_ms = number * step_ms + who * 37
            if hole <= at_ms // 1000 < hole + 40:
                continue
            rr = {"rr_ms": (60_000 // base,)} if number % 3 else {}
            events.append(reading(who, at_ms, heart_rate_bpm=base + number % 9, **rr))
            if number % 4 == 0:
                values: dict[str, Any] = (
                    {kind: 100 + number % 50} if kind != "speed_mps" else {kind: 3.0, "distance_m": at_ms / 500}
                )
                events.append(reading(who, at_ms + 100, device_id="bike", **values))
    return sorted(events, key=lambda event: event.event_time_ms)


@st.composite
def lateness(draw: st.DrawFn, events: list[Reading]) -> list[Reading]:
    """The same events as they came: on time, minutes late, after the end, or days later; some twice."""
    arrived: list[Reading] = []
    for who in (1, 2, 3):
        mine = [event for event in events if event.member_id == who]
        cut = sorted(draw(st.lists(st.integers(0, len(mine)), min_size=2, max_size=5)))
        for begin, end in zip([0, *cut], [*cut, len(mine)], strict=True):
            delay_ms = draw(st.sampled_from([40, 40, 40, 90_000, 300_000, 2 * 3_600_000, 3 * DAY_MS, 6 * DAY_MS]))
            spread_ms = draw(st.sampled_from([0, 0, 20_000, 50_000]))
            for number, event in enumerate(mine[begin:end]):
                came_ms = event.event_time_ms + delay_ms + (number * 7_919 % spread_ms if spread_ms else 0)
                arrived.append(replace(event, received_time_ms=came_ms))
                if number % 11 == 0:
                    again_ms = draw(st.sampled_from([100, 70_000, 5 * DAY_MS])) if number % 33 == 0 else 100
                    arrived.append(replace(event, received_time_ms=came_ms + again_ms))
    return sorted(arrived, key=lambda event: event.received_time_ms)


def held(
    events: list[Reading], *, restarts: bool = False, records: tuple[SessionRecord, SessionRecord] = (RECORD, ENDED)
) -> SmallWorld:
    """The class as it happened: each event when it was received, the timer as often as something can be due."""
    running, ended = records
    world = SmallWorld(STARTED_MS)
    world.put(running)
    world.app_events(
        CheckedIn(event_id="checked-in-1", session_id=SESSION, member_id=1, event_time_ms=STARTED_MS),
        SessionPaused(event_id="paused-11", session_id=SESSION, event_time_ms=STARTED_MS + 50_000),
        SessionResumed(event_id="resumed-11", session_id=SESSION, event_time_ms=STARTED_MS + 60_000),
    )
    before = [event for event in events if event.received_time_ms <= END_MS]
    deliver(world, before)
    world.at(END_MS)
    world.put(ended)
    world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
    world.at(END_MS + 1_000)
    if restarts:
        world.restart()
    deliver(world, [event for event in events if event.received_time_ms > END_MS], restarts=restarts)
    rest(world)
    return world


def deliver(world: SmallWorld, events: list[Reading], *, restarts: bool = False) -> None:
    """Batches of what came within fifteen seconds, and the timer after each; a longer pause leaves time for corrections."""
    at = 0
    while at < len(events):
        until_ms = events[at].received_time_ms + 15_000
        end = next((n for n in range(at, len(events)) if events[n].received_time_ms > until_ms), len(events))
        if events[at].received_time_ms - world.clock.now_ms > 20_000:
            breathe(world)
            if restarts:
                world.restart()
        world.clock.now_ms = max(world.clock.now_ms, events[end - 1].received_time_ms)
        world.readings(events[at:end])
        world.at(world.clock.now_ms)
        at = end


def breathe(world: SmallWorld) -> None:
    """Long enough for a correction that nothing holds up."""
    for _ in range(4):
        world.at(world.clock.now_ms + 4_000)


def rest(world: SmallWorld) -> None:
    """Long enough for every correction, however often the session was computed before."""
    breathe(world)
    world.at(world.clock.now_ms + LONGEST_PAUSE_MS)
    world.at(world.clock.now_ms + 4_000)


def results(world: SmallWorld) -> dict[str, list[Row]]:
    return {table.name: world.tables.shown(table, *but) for table, but in RESULTS.items()}


def in_order(events: list[Reading]) -> SmallWorld:
    return held([replace(event, received_time_ms=event.event_time_ms + 40) for event in events])


@settings(max_examples=3, deadline=None, phases=WITHOUT_SHRINKING)
@given(st.data())
def test_the_stored_totals_and_the_summary_are_those_of_the_same_events_in_order(data: st.DataObject) -> None:
    events = data.draw(measured())
    late = held(data.draw(lateness(events)), restarts=data.draw(st.booleans()))
    assert results(late) == results(in_order(events))


def test_days_later_one_quiet_upload_makes_one_correction_that_says_why() -> None:
    events = [reading(who, s * 1000, heart_rate_bpm=120 + 10 * who) for s in range(SECONDS) for who in (1, 2)]
    late = [
        replace(event, received_time_ms=STARTED_MS + 6 * DAY_MS + event.event_time_ms % 7_000)
        for event in events
        if event.member_id == 2 and 60 <= (event.event_time_ms - STARTED_MS) // 1000 < 200
    ]
    on_time = [event for event in events if event.event_id not in {other.event_id for other in late}]
    world = held(sorted([*on_time, *late, *late], key=lambda event: event.received_time_ms))
    assert results(world) == results(in_order(events))
    [summary] = world.tables.shown(CLASS_SUMMARIES)
    assert (summary["revision"], summary["computed_from"]) == (2, "telemetry_raw")
    [correction] = world.tables.shown(SUMMARY_CORRECTIONS)
    assert (correction["revision"], correction["late_events"]) == (2, 2 * len(late))
    assert "more than 60 s behind" in correction["reason"]
    assert correction["before"] != correction["after"] == summary["summary"]


def test_nobody_is_alarmed_about_the_past() -> None:
    """A strap was out of range for most of the class, too high all the time, and sends what it stored in order."""
    efforts = [reading(1, s * 1000, heart_rate_bpm=(185 if s > 60 else 120)) for s in range(SECONDS)]
    efforts += [reading(1, s * 1000 + 10, power_watts=250 - s // 3) for s in range(SECONDS)]
    others = [reading(2, s * 1000, heart_rate_bpm=110 + s % 5) for s in range(SECONDS)]
    back_ms = STARTED_MS + 280_000
    stored = [replace(event, received_time_ms=max(event.event_time_ms + 40, back_ms)) for event in efforts]
    live = in_order([*efforts, *others])
    world = held(sorted([*stored, *others], key=lambda event: event.received_time_ms))
    told = {alert["rule"] for alert in live.messages(ALERTS_TOPIC.name) if alert["member_id"] == 1}
    assert "heart_rate_high" in told
    for alert in world.messages(ALERTS_TOPIC.name):
        if alert["member_id"] == 1 and alert["rule"] != "heart_rate_lost":
            assert alert["raised_at_ms"] >= back_ms - 60_000, alert
    after = held([replace(event, received_time_ms=END_MS + DAY_MS) for event in efforts])
    assert [row for row in after.tables.shown(ALERTS) if row["member_id"] == 1] == []


def test_a_long_class_stored_in_a_strap_tires_nobody_afterwards() -> None:
    """Fatigue is judged by minutes that closed: those of the past raise nothing, those lived through do."""
    record = session([member(1, limits=Limits(heart_rate_high_bpm=None, fatigue_drop_share=0.1)), member(2)])
    tiring = [
        event
        for s in range(1_600)
        for event in (
            reading(1, s * 1000, heart_rate_bpm=140 + s // 100),
            reading(1, s * 1000 + 10, power_watts=210 - s // 60),
            reading(2, s * 1000, heart_rate_bpm=120 + s % 3),
        )
    ]

    def fatigue(came_ms: dict[int, int]) -> set[int]:
        world = SmallWorld(STARTED_MS)
        world.put(record)
        arrived = sorted(
            (replace(e, received_time_ms=max(e.event_time_ms + 40, came_ms.get(e.member_id, 0))) for e in tiring),
            key=lambda event: event.received_time_ms,
        )
        deliver(world, arrived)
        return {a["member_id"] for a in world.messages(ALERTS_TOPIC.name) if a["rule"] == "fatigue"}

    assert fatigue({}) == {1}
    assert fatigue({1: STARTED_MS + 1_590_000}) == set()


@pytest.mark.parametrize("change", ["left the roster", "new zones"])
def test_a_correction_keeps_who_took_part_and_the_bodies_of_the_day(change: str) -> None:
    """The record of an ended class no longer tells who was on it before, nor by which zones they were measured."""
    other = member(3, heart_rate_zone_floors_bpm=(60, 70, 80, 90, 100), limits=LIMITS)
    people = (*PEOPLE[:2], other) if change == "new zones" else tuple(PEOPLE[:2])
    events = [reading(who, s * 1000, heart_rate_bpm=120 + 5 * who) for s in range(SECONDS) for who in (1, 2, 3)]

    def run(delay_ms: int) -> SmallWorld:
        arrived = [
            replace(e, received_time_ms=STARTED_MS + delay_ms + n if e.member_id == 1 and n >= 300 else e.event_time_ms + 40)
            for n, e in enumerate(events)
        ]
        world = SmallWorld(STARTED_MS)
        world.put(RECORD)
        arrived.sort(key=lambda event: event.received_time_ms)
        deliver(world, [e for e in arrived if e.received_time_ms <= END_MS])
        world.put(replace(RECORD, participants=people))
        world.at(END_MS)
        world.put(replace(ENDED, participants=people))
        world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
        world.at(END_MS + 1_000)
        deliver(world, [e for e in arrived if e.received_time_ms > END_MS])
        rest(world)
        return world

    late = run(3 * DAY_MS)
    assert [row["revision"] for row in late.tables.shown(CLASS_SUMMARIES)] == [2]
    assert results(late) == results(run(300_000))


def test_a_double_that_came_in_time_says_nothing_of_what_is_not_stored_yet() -> None:
    """The store is behind: the newest event of the log is an old one again, and what came before it is not in the table."""
    world = SmallWorld(STARTED_MS)
    world.put(RECORD)
    first = [reading(1, s * 1000, heart_rate_bpm=120) for s in range(SECONDS)]
    deliver(world, first)
    world.at(END_MS)
    world.put(ENDED)
    world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
    world.at(END_MS + 1_000)
    now_ms = END_MS + 10_000
    late = [replace(reading(2, s * 1000, heart_rate_bpm=150), received_time_ms=now_ms) for s in (200, 100)]
    again = replace(first[0], received_time_ms=now_ms + 1)
    with world.store_behind():
        world.clock.now_ms = now_ms
        world.readings([*late, again])
        rest(world)
        assert world.tables.shown(SUMMARY_CORRECTIONS) == [], "it waits"
    rest(world)
    [row] = [row for row in world.tables.shown(MEMBER_SUMMARIES) if row["member_id"] == 2]
    assert (row["seconds_seen"], row["revision"]) == (2, 2)


def test_a_straggler_after_a_correction_corrects_the_member_though_the_class_stays_the_same() -> None:
    world = SmallWorld(STARTED_MS)
    world.put(RECORD)
    deliver(world, [reading(1, s * 1000, cadence_rpm=80) for s in range(SECONDS)])
    world.put(ENDED)
    world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
    world.at(END_MS + 1_000)
    rest(world)
    deliver(world, [replace(reading(1, 5_500, cadence_rpm=200), received_time_ms=world.clock.now_ms + 1_000)])
    rest(world)
    deliver(
        world, [replace(reading(1, (SECONDS - 1) * 1000 + 700, cadence_rpm=220), received_time_ms=world.clock.now_ms + 1_000)]
    )
    rest(world)
    [row] = [row for row in world.tables.shown(MEMBER_SUMMARIES) if row["member_id"] == 1]
    assert row["revision"] == 3
    assert row["cadence_avg_rpm"] == pytest.approx((80 * (SECONDS - 2) + 200 + 220) / SECONDS)
