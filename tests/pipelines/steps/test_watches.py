"""What feeds the alert rules and the beats' sums depends on the order of arrival, and on nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.steps.class_watch import ClassSlices, ClassWatch, add_seconds
from pipelines.steps.heart_watch import close_seconds
from pipelines.steps.members import Watch
from pipelines.steps.output_watch import OutputTrack
from pipelines.steps.ring import cells_of
from pipelines.steps.rr_log import RrLog, beat_codes
from pipelines.steps.variability import accepted_beats

Event = tuple[int, int, int, int]
"""Row, second, millisecond, value."""
Closed = list[tuple[int, int, int]]

steps = st.tuples(st.integers(0, 2), st.sampled_from([0, 0, 1, 1, -1, 4]), st.sampled_from([0, 250, 999]), st.integers(60, 90))


def walked(taken: list[Event]) -> list[Event]:
    """Events whose seconds go mostly forward."""
    at, events = {0: 0, 1: 0, 2: 0}, []
    for row, step, millisecond, value in taken:
        at[row] = max(at[row] + step, 0)
        events.append((row, at[row], millisecond, value))
    return events


arrivals = st.lists(steps, min_size=1, max_size=80).map(walked)
beat = st.tuples(st.integers(0, 9), st.integers(780, 860), st.sampled_from([250, 500, 1150, 1700]))
beating = st.lists(beat.map(lambda drawn: drawn[2] if drawn[0] == 7 else drawn[1]), min_size=150, max_size=400)
cuts = st.sets(st.integers(1, 59), max_size=10)


def in_batches(events: list[Any], places: set[int], take: Callable[[list[Any]], list[Any]]) -> list[Any]:
    begins = [0, *sorted(place for place in places if place < len(events))]
    found = []
    for begin, end in zip(begins, [*begins[1:], len(events)], strict=True):
        found += take(events[begin:end])
    return found


def closing(watch: Watch, events: list[Event]) -> Closed:
    by_row = sorted(events, key=lambda event: event[0])
    rows, seconds, milliseconds, values = (np.array(column, dtype=np.int64) for column in zip(*by_row, strict=True))
    closed = close_seconds(watch, rows, seconds, cells_of(milliseconds, values))
    return [] if closed is None else list(zip(closed.rows.tolist(), closed.seconds.tolist(), closed.bpm.tolist(), strict=True))


@settings(deadline=None)
@given(arrivals, cuts)
def test_a_second_counts_as_it_stood_when_the_next_began(events: list[Event], places: set[int]) -> None:
    wanted: dict[int, Closed] = {0: [], 1: [], 2: []}
    still_open: dict[int, tuple[int, tuple[int, int]]] = {}
    for row, second, millisecond, value in events:
        known = still_open.get(row)
        if known is None or second > known[0]:
            if known:
                wanted[row].append((row, known[0], known[1][1]))
            still_open[row] = (second, (millisecond, value))
        elif second == known[0]:
            still_open[row] = (second, max(known[1], (millisecond, value)))
    watch = Watch()
    watch.grow(3)
    found = in_batches(events, places, lambda batch: closing(watch, batch))
    for row in range(3):
        assert [closed for closed in found if closed[0] == row] == wanted[row]


@settings(deadline=None)
@given(arrivals)
def test_ten_second_means_take_each_second_as_it_stood_when_the_next_began(events: list[Event]) -> None:
    track, seconds, found, wanted = OutputTrack(), dict[int, tuple[int, int]](), [], []
    for number, (_, second, millisecond, value) in enumerate(events):
        newest = max(seconds, default=-1)
        if second > newest >= 0:
            window = [value for at, (_, value) in seconds.items() if newest - 10 < at <= newest]
            if len(window) >= 5:
                wanted.append((newest, sum(window) / len(window)))
        if second >= newest:
            seconds[second] = max(seconds.get(second, (-1, 0)), (millisecond, value))
        if number % 7 == 3:
            track = OutputTrack.of_stored(track.stored())
        closed = track.take(second, int(cells_of(np.array([millisecond]), np.array([value]))[0]), value)
        found += [closed] if closed else []
    assert found == [(second, pytest.approx(mean)) for second, mean in wanted]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 300), st.integers(0, 10)), min_size=1, max_size=200), cuts)
def test_class_slices_close_in_the_order_of_the_log(events: list[tuple[int, int, int]], places: set[int]) -> None:
    def means(cut_at: set[int]) -> list[tuple[int, int, float]]:
        slices = {0: ClassSlices(), 1: ClassSlices()}

        def take(batch: list[tuple[int, int, int]]) -> list[tuple[int, int, float]]:
            session, seconds, intensity = (np.array(column, dtype=np.int64) for column in zip(*batch, strict=True))
            thirty_fold = [np.repeat(column, 30) for column in (session, seconds, intensity.astype(float))]
            add_seconds(slices, *thirty_fold, np.arange(len(batch)).repeat(30))
            return [(at, second, mean) for at in slices for second, mean in slices[at].means()]

        return in_batches(events, cut_at, take)

    assert sorted(means(places)) == sorted(means(set()))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90), st.integers(0, 10)), min_size=1, max_size=200), cuts, cuts)
def test_slices_of_many_classes_add_up_as_each_class_alone(
    events: list[tuple[int, int, int]], places: set[int], looks: set[int]
) -> None:
    watch, watched, alone = ClassWatch(), [ClassSlices() for _ in range(3)], [ClassSlices() for _ in range(3)]
    for slices in watched:
        watch.append(slices)

    def take(batch: list[tuple[int, int, int]]) -> list[int]:
        session, seconds, intensity = (np.array(part, dtype=np.int64) for part in zip(*batch, strict=True))
        moved = watch.take(session, seconds, intensity.astype(float), np.arange(len(batch)))
        found = [(of, list(slices.means())) for of, slices in moved]
        slices_of = {of: alone[of] for of in sorted(set(session.tolist()))}
        wanted = add_seconds(slices_of, session, seconds, intensity.astype(float), np.arange(len(batch)))
        assert found == [(of, list(slices.means())) for of, slices in slices_of.items() if any(slices is one for one in wanted)]
        if len(batch) in looks:
            watch.settle()
        return []

    in_batches(events, places, take)
    watch.settle()
    assert watched == alone


def test_a_slow_sender_still_counts_in_its_slice_but_not_after_it_was_judged() -> None:
    slices = {0: ClassSlices()}
    column = lambda *values: np.array(values)  # noqa: E731  # columns of three letters' length
    add_seconds(slices, column(0, 0, 0), column(5, 39, 9), column(1.0, 9.0, 3.0), column(0, 1, 2))
    assert {at: tuple(kept) for at, kept in slices[0].sums.items()} == {0: (1000, 1), 3: (9000, 1)}
    add_seconds(slices, column(0, 0), column(19, 8), column(5.0, 7.0), column(0, 1))
    assert {at: tuple(kept) for at, kept in slices[0].sums.items()} == {0: (1000, 1), 1: (5000, 1), 3: (9000, 1)}


@settings(deadline=None, max_examples=60)
@given(beating, st.integers(1, 60), st.booleans())
def test_beats_summed_as_they_come_equal_all_beats_at_once(intervals: list[int], at_once: int, stored: bool) -> None:
    log, begun_ms = RrLog(), np.cumsum(intervals)
    log.grow(1)
    codes = beat_codes(begun_ms, np.zeros(len(intervals), dtype=np.int64), np.array(intervals))
    for begin in range(0, len(codes), at_once):
        chosen = slice(begin, begin + at_once)
        horizon = np.maximum(begun_ms[chosen] // 1000 - 61, -1)
        log.add(np.zeros(len(codes[chosen]), dtype=np.int64), codes[chosen], np.minimum.accumulate(horizon))
        log.settle(np.array([int(begun_ms[chosen][-1] // 1000)]), 60, 0, 0)
        log = RrLog.of_stored(log.stored()) if stored else log
    beats = np.array(intervals)
    good = accepted_beats(beats, np.zeros(len(beats)))
    joined = good[1:] & good[:-1]
    (found,) = log.session(np.array([0]))
    if good.sum() >= 20 and good.mean() >= 0.8 and joined.any():
        assert found == pytest.approx(np.sqrt(np.mean(np.diff(beats)[joined] ** 2)))
    else:
        assert np.isnan(found)
