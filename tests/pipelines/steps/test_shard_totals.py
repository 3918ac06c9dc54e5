"""Totals do not depend on how readings arrive: order within a minute, batches, doubles, restarts."""

import math
import pickle
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipelines.steps.recompute import summarise
from pipelines.steps.results import MemberSummary, SessionSummary
from pipelines.steps.shard import LiveShard
from schemas.events import Reading
from tests.pipelines.steps.people import STARTED_MS, member, reading, session
from tests.pipelines.steps.reference import expected_totals

MEMBERS = (1, 2)
SEEDS = st.integers(0, 2**32 - 1)
"""Of what is drawn by the hundred: a draw each would take most of the test's time."""
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A history is long; shrinking one takes minutes and tells no more."""
VALUES: dict[str, Callable[[Random], float]] = {
    "heart_rate_bpm": lambda chance: chance.choice([25, 151, 152, 171, 185, 240, *chance.choices(range(110, 151), k=6)]),
    "power_watts": lambda chance: chance.choice([0, 900, *chance.choices(range(901), k=8)]),
    "cadence_rpm": lambda chance: chance.choice([0, 255, *(n / 256 for n in chance.choices(range(255 * 256 + 1), k=8))]),
    "speed_mps": lambda chance: chance.choice([0, 45, *(n / 1000 for n in chance.choices(range(45_001), k=8))]),
}


@st.composite
def histories(draw: st.DrawFn) -> list[Reading]:
    """Readings of two members, in order of time: stretches of 1 Hz with holes, several values a second, gaps."""
    events, at_ms = [], draw(st.integers(-3_000, 5_000))
    chance = Random(draw(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        metric = draw(st.sampled_from(list(VALUES)))
        base = VALUES[metric](chance)
        step_ms = draw(st.sampled_from([250, 1000, 1000, 2000, 7_000, 11_000]))
        stuck = draw(st.booleans())
        for _ in range(draw(st.integers(1, 45))):
            value = base if stuck else VALUES[metric](chance)
            events.append(reading(chance.choice(MEMBERS), at_ms, **{metric: value}))
            at_ms += step_ms
        at_ms += draw(st.sampled_from([-20_000, 0, 500, 9_000, 35_000, 130_000]))
    return events


def final(shard: LiveShard) -> SessionSummary:
    shard.put_session(session([member(m) for m in MEMBERS], state="completed", ended_at_ms=STARTED_MS + 4_500_000))
    shard.tick(STARTED_MS + 4_500_000, caught_up=True)
    (summary,) = shard.take_summaries()
    return summary


def run(batches: list[list[Reading]], *, restarts: set[int] = frozenset(), looks: set[int] = frozenset()) -> SessionSummary:  # type: ignore[assignment]  # an empty frozenset is no set, but reads like one
    shard = LiveShard.restore(None)
    shard.put_session(session([member(m) for m in MEMBERS]))
    for number, batch in enumerate(batches):
        assert shard.readings(batch) == []
        if number in looks:
            shard.tick(batch[-1].event_time_ms + 300, caught_up=False)
            shard.take_live(batch[-1].event_time_ms + 400)
        if number in restarts:
            shard = LiveShard.restore(pickle.loads(pickle.dumps(shard.snapshot())))
    return final(shard)


def disordered(chance: Random, events: list[Reading]) -> list[Reading]:
    """Each event delayed by less than 59 s, so that none is late."""
    delays = [chance.randint(0, 58_000) for _ in events]
    ordered = sorted(zip(events, delays, strict=True), key=lambda pair: pair[0].event_time_ms + pair[1])
    return [event for event, _ in ordered]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Reading], list[list[Reading]], set[int], set[int]]:
    """A history, and the same disordered, doubled and cut into batches, with restarts and looks in between."""
    events, chance = sorted(draw(histories()), key=lambda event: event.event_time_ms), Random(draw(SEEDS))
    doubled = [event for event in events for _ in range(chance.randint(1, 2))]
    arrived = disordered(chance, doubled) if draw(st.booleans()) else doubled
    cuts = sorted(draw(st.sets(st.integers(1, max(len(arrived) - 1, 1)), max_size=8)))
    batches = [arrived[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]
    batches = [batch for batch in batches if batch]
    numbers = st.sets(st.integers(0, len(batches) - 1), max_size=4)
    return events, batches, draw(numbers), draw(numbers)


def agrees(found: MemberSummary, wanted: dict[str, Any]) -> list[str]:
    """What differs; fixed point allows for a millionth, and for more where normalized power is next to nothing."""
    wrong = []
    for name, value in wanted.items():
        seen = getattr(found, name)
        nothing = name == "normalized_power_watts" and value is not None and value < 5
        if isinstance(value, float) and seen is not None:
            same = math.isclose(seen, value, rel_tol=1e-5, abs_tol=1 if nothing else 1e-6)
        else:
            same = seen == value
        wrong += [] if same else [f"{name}: {seen} for {value}"]
    return wrong


@settings(max_examples=60, deadline=None, phases=WITHOUT_SHRINKING)
@given(arrivals())
def test_totals_equal_the_slow_reference_whatever_the_order_batches_doubles_and_restarts(
    arrival: tuple[list[Reading], list[list[Reading]], set[int], set[int]],
) -> None:
    events, batches, restarts, looks = arrival
    in_order = run([events])
    for found in in_order.members:
        mine = [event for event in events if event.member_id == found.member_id]
        wanted = asdict(expected_totals(member(found.member_id), mine))
        if found.heart_rate_avg_bpm is None and found.trimp is None:
            wanted["trimp"] = None
        assert agrees(found, wanted) == []
    assert run(batches, restarts=restarts, looks=looks) == in_order


@settings(max_examples=25, deadline=None, phases=WITHOUT_SHRINKING)
@given(histories(), SEEDS)
def test_live_equals_final(events: list[Reading], seed: int) -> None:
    live = run([sorted(events, key=lambda event: event.event_time_ms)])
    Random(seed).shuffle(events)
    record = session([member(m) for m in MEMBERS], state="completed", ended_at_ms=STARTED_MS + 4_500_000)
    again = summarise(record, events, [], revision=1, late_events=0)
    assert again.summary == live.summary
    assert [replace_source(m) for m in again.members] == [replace_source(m) for m in live.members]


def replace_source(row: MemberSummary) -> dict[str, Any]:
    return asdict(row) | {"computed_from": ""}


@pytest.mark.parametrize("chunk", [1, 7, 500])
def test_intervals_give_one_rmssd_whatever_the_batches(chunk: int) -> None:
    beats = [800 + (n * 37) % 90 for n in range(900)]
    events = [
        reading(1, n * 800, heart_rate_bpm=75, rr_ms=(beats[n],)) if n % 50 else reading(1, n * 800, heart_rate_bpm=75)
        for n in range(len(beats))
    ]
    delayed = sorted(events, key=lambda event: event.event_time_ms + event.event_time_ms * 7 % 50_000)
    doubled = [event for event in delayed for _ in range(2)]

    def rmssd(arrived: list[Reading]) -> float | None:
        return run([arrived[at : at + chunk] for at in range(0, len(arrived), chunk)], restarts={3, 40}).members[0].rmssd_ms

    in_order = run([events]).members[0].rmssd_ms
    assert in_order is not None
    assert rmssd(doubled) == in_order
    joined = [(a, b) for n, (a, b) in enumerate(pairwise(beats)) if n % 50 and (n + 1) % 50]
    across = [(beats[n - 1], beats[n + 1]) for n in range(50, len(beats) - 1, 50)]
    squares = [(b - a) ** 2 for a, b in joined + across]
    assert in_order == pytest.approx(math.sqrt(sum(squares) / len(squares)), rel=1e-9)


def test_limits_and_names_may_change_while_totals_stand() -> None:
    events = [reading(1, at * 1000, heart_rate_bpm=120 + at % 40) for at in range(300)]
    plain = run([events])
    shard = LiveShard.restore(None)
    shard.put_session(session([member(1), member(2)]))
    shard.readings(events[:150])
    other = member(1, max_heart_rate_bpm=150, heart_rate_zone_floors_bpm=(1, 2, 3, 4, 5), name="Another")
    shard.put_session(session([other, member(2)]))
    shard.readings(events[150:])
    shard.put_session(session([other, member(2)], state="completed", ended_at_ms=STARTED_MS + 4_500_000))
    shard.tick(STARTED_MS + 4_500_000, caught_up=True)
    (summary,) = shard.take_summaries()
    assert summary.members[0].zone_s == plain.members[0].zone_s
    assert summary.members[0].trimp == plain.members[0].trimp
    assert summary.members[0].member_name == "Another"


def test_what_lies_outside_the_session_does_not_count() -> None:
    shard = LiveShard.restore(None)
    record = session([member(1)])
    shard.put_session(record)
    events = [reading(1, at * 1000, heart_rate_bpm=100 + at // 10) for at in range(-5, 100)]
    shard.readings(events)
    shard.put_session(replace(record, state="completed", ended_at_ms=STARTED_MS + 80_000))
    shard.readings([reading(1, at * 1000, heart_rate_bpm=200) for at in range(90, 100)])
    shard.tick(STARTED_MS + 101_000, caught_up=True)
    (summary,) = shard.take_summaries()
    wanted = asdict(expected_totals(member(1), events, last_second=80))
    assert agrees(summary.members[0], wanted) == []
    assert summary.members[0].last_value_at == STARTED_MS + 80_000
