"""When the flow shows what it knows: at once while it sees the present, now and then while it catches up."""

from pipelines.live_group import BEHIND_PUBLISH_MS, TICK_MS
from schemas.topics import LIVE
from tests.late.small_world import SmallWorld
from tests.late.test_late_data import RECORD, STARTED_MS, reading

SOON_MS, NOW_MS = 100, STARTED_MS + 60_000


def shown(world: SmallWorld) -> list[object]:
    """The time of the newest event in each picture."""
    return [message["event_time_ms"] - STARTED_MS for message in world.messages(LIVE.name)]


def world_of_one_event(before_tick_ms: int) -> SmallWorld:
    """A flow that is behind takes its first event so long before its next tick."""
    world = SmallWorld(NOW_MS)
    world.put(RECORD)
    world.at(NOW_MS, caught_up=False)
    world.clock.now_ms = NOW_MS + TICK_MS - before_tick_ms
    world.readings([reading(1, 0, heart_rate_bpm=120)])
    return world


def test_a_tick_makes_no_picture_of_a_flow_that_is_behind_before_it_is_due() -> None:
    world = world_of_one_event(SOON_MS)
    world.at(NOW_MS + TICK_MS, caught_up=False)
    assert shown(world) == []
    world.at(NOW_MS + TICK_MS - SOON_MS + BEHIND_PUBLISH_MS[0], caught_up=False)
    assert shown(world) == [0]


def test_a_flow_that_has_caught_up_shows_at_its_next_tick_what_was_to_wait() -> None:
    world = world_of_one_event(SOON_MS)
    world.at(NOW_MS + TICK_MS)
    assert shown(world) == [0]
