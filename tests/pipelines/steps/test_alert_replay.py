"""A flow that repeats a stretch makes the same alerts: whatever the batches, doubles and restarts."""

import pickle
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.steps.shard import LiveShard
from schemas.alerts import Alert
from schemas.directory import ClassLimits, Limits
from schemas.events import Reading
from tests.pipelines.steps.people import member, reading, session

LIMITS = Limits(
    heart_rate_high_bpm=180,
    heart_rate_low_bpm=90,
    heart_rate_zone_high=4,
    power_zone_high=4,
    pace_target_s_per_km=300,
    fatigue_drop_share=0.1,
)
PEOPLE = [member(n, limits=LIMITS) for n in (1, 2, 3)]


@st.composite
def classes(draw: st.DrawFn) -> list[Reading]:
    """A class of three in the order of arrival: heart rates that wander over the limits, power, speed, a little disorder."""
    events: list[tuple[int, Reading]] = []
    chance = Random(draw(st.integers(0, 2**32 - 1)))  # a draw for every value takes ten times as long and finds no more
    for who in (1, 2, 3):
        at_s = draw(st.integers(0, 20))
        for _ in range(draw(st.integers(1, 8))):
            level = draw(st.sampled_from([70, 89, 95, 150, 172, 181, 190]))
            watts, mps = draw(st.sampled_from([150, 250])), draw(st.sampled_from([2.5, 3.4]))
            for _ in range(draw(st.integers(1, 60))):
                jitter = chance.choice([0, 0, 0, 0, 1_500, 4_000])
                at_ms = at_s * 1000 + chance.randrange(1_000)
                beat = {"heart_rate_bpm": level + at_s % 4}
                values = chance.choice([beat] * 4 + [{"power_watts": watts}, {"speed_mps": mps}])
                events.append((at_ms + jitter, reading(who, at_ms, **values)))
                at_s += 1
            at_s += draw(st.sampled_from([0, 0, 2, 8, 70]))
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


def alerts(batches: list[list[Reading]], restarts: set[int]) -> dict[tuple[str, int], Alert]:
    """Every state that was told, by id and version; told twice it must be the same."""
    shard, told = LiveShard.restore(None), dict[tuple[str, int], Alert]()
    shard.put_session(session(PEOPLE, limits=ClassLimits(intensity_low=4, intensity_high=6)))
    for number, batch in enumerate(batches):
        shard.readings(batch)
        if number in restarts:
            shard = LiveShard.restore(pickle.loads(pickle.dumps(shard.snapshot())))
        for alert in shard.take_alerts():
            assert told.setdefault((alert.alert_id, alert.version), alert) == alert
    return told


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(classes(), st.sets(st.integers(1, 400), max_size=12), st.sets(st.integers(0, 12), max_size=4), st.booleans())
def test_alerts_do_not_depend_on_batches_doubles_and_restarts(
    events: list[Reading], cuts: set[int], restarts: set[int], doubled: bool
) -> None:
    arrived = [event for event in events for _ in range(2)] if doubled else events
    places = sorted(cut for cut in cuts if cut < len(arrived))
    batches = [arrived[a:b] for a, b in zip([0, *places], [*places, len(arrived)], strict=True)]
    assert alerts(batches, restarts) == alerts([events], set())


@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(classes(), st.integers(1, 400), st.integers(0, 200))
def test_a_crash_between_snapshot_and_batch_tells_nothing_new(events: list[Reading], cut: int, seen: int) -> None:
    shard = LiveShard.restore(None)
    shard.put_session(session(PEOPLE))
    shard.readings(events[:cut])
    shard.take_alerts()
    state = pickle.dumps(shard.snapshot())
    shard.readings(events[cut : cut + seen])
    before = {(alert.alert_id, alert.version): alert for alert in shard.take_alerts()}
    again = LiveShard.restore(pickle.loads(state))
    for event in events[cut : cut + seen]:
        again.readings([event])
    assert {(alert.alert_id, alert.version): alert for alert in again.take_alerts()} == before
