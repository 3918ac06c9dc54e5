"""What a flow that died a moment ago must not forget, told second by second in one process."""

from msgspec.structs import replace

from schemas.directory import Limits, SessionRecord
from schemas.events import SessionEnded, SessionPaused
from schemas.tables import ALERTS, CLASS_SUMMARIES, MEMBER_SUMMARIES
from schemas.topics import ALERTS as ALERTS_TOPIC
from tests.late.small_world import SmallWorld
from tests.pipelines.steps.people import SESSION, STARTED_MS, member, reading, session

SECONDS = 100
MEMBER = member(1, limits=Limits(heart_rate_high_bpm=180))


def at(second: int) -> int:
    return STARTED_MS + second * 1_000


def heart_rates(world: SmallWorld, seconds: range, bpm: int = 160) -> None:
    for second in seconds:
        world.readings([reading(1, second * 1_000, heart_rate_bpm=bpm + second % 3)])
        world.at(at(second + 1))


def ended(second: int) -> tuple[SessionRecord, SessionEnded]:
    record = replace(session([MEMBER]), state="completed", ended_at_ms=at(second))
    return record, SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=at(second))


def running() -> SmallWorld:
    world = SmallWorld(STARTED_MS)
    world.put(session([MEMBER]))
    return world


def test_a_lost_signal_that_was_told_before_a_crash_is_over_when_the_strap_is_heard_again() -> None:
    world = running()
    heart_rates(world, range(40))
    checkpoint = world.checkpoint()
    world.at(at(65))
    [told] = world.tables.shown(ALERTS)
    assert (told["rule"], told["state"]) == ("lost_signal", "active")
    world.die(checkpoint)
    heart_rates(world, range(70, 80))
    [shown] = world.tables.shown(ALERTS)
    assert (shown["alert_id"], shown["state"]) == (told["alert_id"], "cleared")
    record, event = ended(80)
    world.put(record)
    world.app_events(event)
    world.at(at(81))
    [summary] = world.tables.shown(CLASS_SUMMARIES)
    assert summary["alerts"] == 1


def test_what_was_told_and_not_stored_before_a_crash_is_stored_after_it() -> None:
    world = running()
    heart_rates(world, range(40))
    checkpoint = world.checkpoint()
    with world.nothing_stored():
        world.at(at(65))
        heart_rates(world, range(66, 70))
    assert world.tables.shown(ALERTS) == []
    world.die(checkpoint)
    heart_rates(world, range(66, 72))
    assert [(row["rule"], row["state"]) for row in world.tables.shown(ALERTS)] == [("lost_signal", "cleared")]


def test_an_end_that_the_directory_tells_ahead_of_the_log_silences_no_alert() -> None:
    world = running()
    record, event = ended(SECONDS)
    heart_rates(world, range(40))
    checkpoint = world.checkpoint()
    world.put(record)
    world.die(checkpoint)
    heart_rates(world, range(40, SECONDS), bpm=185)
    world.app_events(event)
    world.at(at(SECONDS + 1))
    [alert] = world.tables.shown(ALERTS)
    assert (alert["rule"], alert["state"], alert["alert_id"][-2:]) == ("heart_rate_high", "cleared", "50")
    [summary] = world.tables.shown(CLASS_SUMMARIES)
    assert (summary["alerts"], summary["revision"]) == (1, 1)


def test_a_pause_that_the_directory_tells_ahead_of_the_log_holds_nothing_back() -> None:
    world = running()
    heart_rates(world, range(40))
    world.put(replace(session([MEMBER]), state="paused"))
    heart_rates(world, range(40, 60), bpm=185)
    world.app_events(SessionPaused(event_id="paused-111", session_id=SESSION, event_time_ms=at(60)))
    assert [alert["rule"] for alert in world.messages(ALERTS_TOPIC.name)] == ["heart_rate_high"]


def test_an_old_class_whose_end_has_left_the_log_is_over_all_the_same() -> None:
    world = SmallWorld(STARTED_MS)
    record, _event = ended(SECONDS)
    world.put(record)
    heart_rates(world, range(5))
    world.at(at(SECONDS + 61))
    world.at(at(SECONDS + 700))
    assert [row["seconds_seen"] for row in world.tables.shown(MEMBER_SUMMARIES)] == [5]
    assert world.tables.shown(ALERTS) == []
