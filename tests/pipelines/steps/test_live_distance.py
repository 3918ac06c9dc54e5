"""The distance of a class, by devices whose own counter may start again: as if all samples had come in order."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.steps.moving import travelled_m
from pipelines.steps.shard import LiveShard
from schemas.events import Reading
from tests.pipelines.steps.people import STARTED_MS, member, reading, session

END_S = 2_000


def told(at_s: int, distance_m: float, *, device: str = "watch") -> Reading:
    values = {"speed_mps": 3.0, "distance_m": distance_m}
    return reading(1, at_s * 1000, **values, device_id=device, event_id=f"{device}:{at_s}")


def counted(*legs: tuple[float, int], begin_s: int = 0, base_m: float = 0.0) -> list[Reading]:
    """Legs of a speed (m/s) and a length (s); the counter starts again at each."""
    events, at_s = [], begin_s
    for speed, length_s in legs:
        events += [told(at_s + s, base_m + speed * s) for s in range(length_s)]
        at_s, base_m = at_s + length_s, 0.0
    return events


def in_order(events: list[Reading]) -> list[list[Reading]]:
    return [events[at : at + 20] for at in range(0, len(events), 20)]


def distance(batches: list[list[Reading]], *, restart_every: int = 0, end_s: int = END_S) -> float | None:
    """What the summary says; none of it must be wrong so as to be computed anew."""
    shard = LiveShard.restore(None)
    shard.put_session(session([member(1)]))
    for number, batch in enumerate(batches):
        assert shard.readings(batch) == []
        shard.tick(batch[-1].received_time_ms, caught_up=True)
        if restart_every and number % restart_every == 0:
            shard = LiveShard.restore(pickle.loads(pickle.dumps(shard.snapshot())))
    shard.put_session(session([member(1)], state="completed", ended_at_ms=STARTED_MS + end_s * 1000))
    shard.tick(STARTED_MS + end_s * 1000, caught_up=True)
    (summary,) = shard.take_summaries()
    assert shard.take_recomputations(STARTED_MS + end_s * 1000 + 10_000) == []
    return summary.members[0].distance_m


SWIM_BIKE_RUN = counted((1.2, 400), (9.0, 700), (3.4, 500), base_m=40.0)


@pytest.fixture(scope="module")
def whole_way_m() -> float | None:
    return distance(in_order(SWIM_BIKE_RUN))


def test_a_counter_that_starts_again_with_every_sport_adds_up(whole_way_m: float | None) -> None:
    assert whole_way_m == pytest.approx(1.2 * 399 + 9.0 * 699 + 3.4 * 499, abs=1)
    assert whole_way_m == pytest.approx(float(travelled_m([event.distance_m for event in SWIM_BIKE_RUN])[-1]), abs=1)


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data())
def test_order_batches_doubles_and_restarts_change_nothing(whole_way_m: float | None, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([17, 40, 55]))
    cuts = range(0, len(SWIM_BIKE_RUN), size)
    batches = [data.draw(st.permutations(SWIM_BIKE_RUN[cut : cut + size])) for cut in cuts]
    doubled = [batch + batch[: data.draw(st.integers(0, 5))] for batch in batches]
    merged = [a + b for a, b in pairwise([*doubled, []])][::2] if data.draw(st.booleans()) else doubled
    found = distance(merged, restart_every=data.draw(st.sampled_from([0, 1, 5])))
    assert found == whole_way_m


def test_two_devices_that_count_apart_are_not_taken_for_one_that_starts_again() -> None:
    """A bicycle's counter and that of a watch that was started earlier or later."""
    bike = [told(s, 9.0 * s, device="bike") for s in range(600)]
    watch = [told(s, 50 + 8.9 * (s - 300), device="watch") for s in range(300, 600)]
    both = sorted(bike + watch, key=lambda event: event.event_time_ms)
    assert distance(in_order(both)) == pytest.approx(9.0 * 599, abs=1)


def test_a_counter_that_is_corrected_downwards_does_not_start_again() -> None:
    events = [told(0, 1_000), told(1, 1_004), told(2, 1_001), told(3, 1_008)]
    assert distance([events]) == pytest.approx(8.0)


def test_what_was_travelled_after_the_end_does_not_count() -> None:
    """The end is told half a minute afterwards, as its event comes: nothing has to be computed anew."""
    assert distance(in_order(SWIM_BIKE_RUN[:1_130]), end_s=1_099) == pytest.approx(1.2 * 399 + 9.0 * 699, abs=1)


def test_a_snapshot_of_an_older_program_goes_on_from_its_range() -> None:
    shard = LiveShard.restore(None)
    shard.put_session(session([member(1)]))
    assert shard.readings(counted((2.0, 10))) == []
    stored = pickle.loads(pickle.dumps(shard.snapshot()))
    grid = stored["shard"]["grid"]
    del grid["way"]
    columns = grid["members"]["columns"]
    template = next(iter(columns.values()))
    columns["distance_low_cm", None] = template.astype("int32") * 0 + 10_000
    columns["distance_high_cm", None] = template.astype("int32") * 0 + 30_000
    older = LiveShard.restore(stored)
    older.readings([told(11, 310.0)])
    older.put_session(session([member(1)], state="completed", ended_at_ms=STARTED_MS + 60_000))
    older.tick(STARTED_MS + 60_000, caught_up=True)
    (summary,) = older.take_summaries()
    assert summary.members[0].distance_m == pytest.approx(210.0)
