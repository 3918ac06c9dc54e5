"""Late data that come in drops: a summary is computed anew now and then, not at every drop, and the last drop is in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from msgspec.structs import replace

from pipelines.correction_pace import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, CorrectionPace
from schemas.events import SessionEnded
from schemas.tables import MEMBER_SUMMARIES
from tests.late.small_world import SmallWorld
from tests.late.test_late_data import END_MS, ENDED, RECORD, SECONDS, SESSION, STARTED_MS, breathe, deliver, reading, rest

DROP_EVERY_MS = 4_000
DROPS = 120


@dataclass
class Corrections:
    """When each correction came to its table."""

    world: SmallWorld
    at_ms: list[int] = field(default_factory=list)

    def look(self) -> None:
        """After every step of the world; the first summary is no correction."""
        revisions = [row["revision"] for row in self.world.tables.shown(MEMBER_SUMMARIES)]
        self.at_ms += [self.world.clock.now_ms] * (max(revisions) - 1 - len(self.at_ms))


def over(second_member: bool) -> SmallWorld:
    """A class that has ended and been told; of the second member nothing is known yet, or the last second only.

    With nothing known what comes is belated, and the flow's own totals take it in; behind the last second it is late, and the
    summary is computed from history.
    """
    world = SmallWorld(STARTED_MS)
    world.put(RECORD)
    last = [reading(2, (SECONDS - 1) * 1000, heart_rate_bpm=150)] if second_member else []
    deliver(world, [reading(1, s * 1000, heart_rate_bpm=120) for s in range(SECONDS)] + last)
    world.at(END_MS)
    world.put(ENDED)
    world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
    world.at(END_MS + 1_000)
    breathe(world)
    return world


def drops(world: SmallWorld, count: int) -> Iterator[int]:
    """One late second of the second member at a time, each quiet long enough to be corrected at once."""
    for number in range(count):
        now_ms = world.clock.now_ms = world.clock.now_ms + DROP_EVERY_MS - 3_000
        world.readings([replace(reading(2, number * 1000, heart_rate_bpm=150), received_time_ms=now_ms)])
        world.at(world.clock.now_ms)
        world.at(world.clock.now_ms + 3_000)
        yield number


@pytest.mark.parametrize("late", [True, False], ids=["late", "belated"])
@pytest.mark.parametrize("restarts", [False, True], ids=["undisturbed", "restarted"])
def test_a_session_is_computed_ever_more_seldom_while_drops_keep_coming_and_holds_the_last_one(
    late: bool, restarts: bool
) -> None:
    world = over(second_member=late)
    seen = Corrections(world)
    for number in drops(world, DROPS):
        seen.look()
        if restarts and number % 29 == 0:
            world.restart()
    pauses = [after - before for before, after in pairwise(seen.at_ms)]
    assert len(pauses) >= 3
    for pause_ms, least_s in zip(pauses, (30, 60, 120, 240, 240), strict=False):
        assert least_s * 1_000 <= pause_ms <= least_s * 1_000 + 2 * DROP_EVERY_MS
    rest(world)
    [row] = [row for row in world.tables.shown(MEMBER_SUMMARIES) if row["member_id"] == 2]
    assert row["seconds_seen"] == DROPS + late


def test_what_came_during_the_pause_is_corrected_after_it_though_nothing_more_comes_and_the_flow_restarts() -> None:
    world = over(second_member=True)
    seen = Corrections(world)
    for _ in drops(world, 4):
        seen.look()
    assert len(seen.at_ms) == 1
    world.restart()
    since_ms = seen.at_ms[0]
    for second in range(40):
        world.at(since_ms + 20_000 + second * 1_000)
        seen.look()
    assert [at - since_ms for at in seen.at_ms[1:]] == [pytest.approx(FIRST_PAUSE_MS, abs=3_000)]
    [row] = [row for row in world.tables.shown(MEMBER_SUMMARIES) if row["member_id"] == 2]
    assert row["seconds_seen"] == 5


def test_after_a_quiet_time_the_pause_is_short_again_and_sessions_do_not_wait_for_each_other() -> None:
    pace = CorrectionPace()
    assert pace.is_due("a", 0)
    now_ms = 0
    for pause_ms in (30_000, 60_000, 120_000, 240_000, 240_000):
        pace.computed("a", now_ms)
        assert (pace.is_due("a", now_ms + pause_ms - 1), pace.is_due("a", now_ms + pause_ms)) == (False, True)
        assert pace.is_due("b", now_ms + 1)
        now_ms += pause_ms
    now_ms += LONGEST_PAUSE_MS
    pace.computed("a", now_ms)
    assert pace.is_due("a", now_ms + FIRST_PAUSE_MS)


def test_a_clock_that_is_set_back_holds_no_correction_up() -> None:
    pace = CorrectionPace({"a": (10_000_000, LONGEST_PAUSE_MS)})
    assert pace.is_due("a", 5_000_000)
    pace.forget(lambda session_id: session_id == "a")
    assert pace.stored() == {}
