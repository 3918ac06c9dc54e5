"""The order in which two topics of the same sessions reach the logic, whatever the pieces in which they are read."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.interleaver import Interleaver
from tests.pipelines.records import Record

Log = list[Record]


def log(topic: str, partition: int, times: list[int]) -> Log:
    return [Record(topic, partition, at, published_ms=ms) for at, ms in enumerate(times)]


def read_in_pieces(logs: list[Log], pieces: list[tuple[int, int]], told: bool) -> tuple[list[Record], Interleaver]:
    """Hand in the logs piece by piece (which log, how many), then the rest; returns what was released, in order.

    `told`: how far each log was read is handed in too.
    """
    order = Interleaver("dense", "sparse", {(log[0].topic(), log[0].partition()): 0 for log in logs if log})
    at = [0] * len(logs)
    ends = {(log[0].topic(), log[0].partition()): len(log) for log in logs if log}
    released: list[Record] = []
    for which, count in [*pieces, *((which, 10**6) for which in range(len(logs)))]:
        piece = logs[which][at[which] : at[which] + count]
        at[which] += len(piece)
        reached = {place: count for log, count in zip(logs, at, strict=True) for place in places_of(log) if count}
        for batch in order.take(
            list(piece), lambda place: order.taken.get(place, 0) < ends.get(place, 0), reached if told else None
        ):
            assert {m.topic() for m in batch.messages} == {batch.topic}
            released += batch.messages
    return released, order


def places_of(log: Log) -> set[tuple[str, int]]:
    return {(record.topic(), record.partition()) for record in log}


times = st.lists(st.integers(0, 50), max_size=12).map(sorted)
logs = st.tuples(times, times, times, times)


@given(logs, st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=12), st.booleans())
def test_a_backlog_is_released_by_time_and_completely_however_it_is_read(times, pieces, told) -> None:
    made = [log("dense", 0, times[0]), log("sparse", 0, times[1]), log("dense", 1, times[2]), log("sparse", 1, times[3])]
    released, order = read_in_pieces(made, pieces, told)
    assert sorted(map(repr, released)) == sorted(repr(record) for one in made for record in one), "nothing lost, nothing twice"
    for partition in (0, 1):
        published = [record.published_ms for record in released if record.partition() == partition]
        assert published == sorted(published)
    assert all(order.positions[place] == order.taken[place] for place in order.positions)


def test_the_end_of_a_class_waits_for_its_heart_rates() -> None:
    order = Interleaver("dense", "sparse", {("dense", 0): 0, ("sparse", 0): 0})
    end = Record("sparse", 0, 0, published_ms=100)
    assert order.take([end], lambda place: place == ("dense", 0)) == []
    assert order.positions["sparse", 0] == 0, "what is held back is read again after a restart"
    beats = [Record("dense", 0, at, published_ms=at * 60) for at in range(3)]
    batches = order.take(list(beats), lambda _: False)
    assert [m for batch in batches for m in batch.messages] == [*beats[:2], end, beats[2]]
    assert [(batch.topic, len(batch.messages)) for batch in batches] == [("dense", 2), ("sparse", 1), ("dense", 1)]


def test_in_the_present_nothing_waits() -> None:
    order = Interleaver("dense", "sparse", {("dense", 0): 5, ("sparse", 0): 7})
    (batch,) = order.take([Record("sparse", 0, 7, published_ms=10**9)], lambda _: False)
    assert order.positions == {("dense", 0): 5, ("sparse", 0): 8}
    assert batch.topic == "sparse"
