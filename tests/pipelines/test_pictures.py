"""When flow live shows what has changed."""

from pipelines.live_group import PUBLISH_EVERY_MS
from schemas.topics import LIVE
from tests.late.small_world import SmallWorld
from tests.pipelines.steps.people import STARTED_MS, member, reading, session


def test_after_a_silence_a_picture_comes_at_once_and_then_not_before_its_pause_is_over() -> None:
    world = SmallWorld(STARTED_MS)
    world.put(session([member(1)]))
    shown_at_ms = STARTED_MS + 5_000
    world.at(shown_at_ms - 500)
    world.clock.now_ms = shown_at_ms
    world.readings([reading(1, 4_000, heart_rate_bpm=120)])
    assert world.next_wake_ms == shown_at_ms
    world.at(shown_at_ms)
    known = len(world.messages(LIVE.name))
    assert known

    world.clock.now_ms = shown_at_ms + 5
    world.readings([reading(1, 5_000, heart_rate_bpm=125)])
    assert world.next_wake_ms == shown_at_ms + PUBLISH_EVERY_MS
    world.at(world.next_wake_ms)
    assert len(world.messages(LIVE.name)) == known + 1
