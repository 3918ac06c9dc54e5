"""Bytewax source: one consumer over a group's partitions; one item is one consumed batch of one topic."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from infra.clock import Clock
from infra.errors import PacelineError
from infra.partition_reader import PartitionReader
from infra.telemetry.logs import logger
from infra.telemetry.metrics import FLOW_MESSAGES_EXPIRED
from pipelines.interleaver import Interleaver
from pipelines.messages import Batch, Place
from pipelines.progress import Progress
from schemas.topics import Topic

log = logger(__name__)
MEASURE_EVERY_MS = 500
QUIET_AFTER_MS = 500
"""After so long without a message nothing waits to be shown either: the part then sleeps in the client, which wakes it …"""
QUIET_WAIT_S = 0.05
"""… at the first message; whatever follows the clock comes later by so much at most."""
State = dict[Place, int]


@dataclass(frozen=True)
class GroupSource(FixedPartitionedSource[tuple[str, Batch], State]):
    """Starts at the log's first message when there is nothing to resume; ends when `stop` is set."""

    name: str
    """Of flow and group: the key of every item."""
    dense: Topic
    sparse: Topic
    open_reader: Callable[[], PartitionReader]
    progress: Progress
    stop: Event
    clock: Clock
    rest_ms: int
    """Pause after a batch that was not full: longer pauses make larger batches."""
    most: int
    """Messages of one batch."""

    def list_parts(self) -> list[str]:
        return [self.name]

    def build_part(self, step_id: str, for_part: str, resume_state: State | None) -> "GroupPart":
        del step_id, for_part
        return GroupPart(self, resume_state or {})


class GroupPart(StatefulSourcePartition[tuple[str, Batch], State]):
    """The only part of a group's source."""

    def __init__(self, source: GroupSource, resumed: State) -> None:
        self._source = source
        self._reader = source.open_reader()
        found = self._reader.ends()
        positions = {place: _checked(place, resumed.get(place), found[place]) for place in self._reader.places}
        self._first_ends = {place: high for place, (_low, high) in found.items()}
        self._order = Interleaver(source.dense.name, source.sparse.name, positions)
        self._reader.start(positions)
        self._woken = False
        self._full = False
        self._measure_at_ms = 0
        self._quiet_at_ms = source.clock() + QUIET_AFTER_MS

    def next_batch(self) -> list[tuple[str, Batch]]:
        if self._source.stop.is_set():
            raise StopIteration
        messages = self._reader.read(self._source.most, QUIET_WAIT_S if self._quiet else 0)
        self._full = len(messages) == self._source.most
        if messages:
            self._quiet_at_ms = self._source.clock() + QUIET_AFTER_MS
            self._source.progress.newest_published_ms = messages[-1].timestamp()[1]
        batches = self._order.take(messages, self._behind, self._reader.reached() if messages else None)
        self._measure()
        if not self._woken:  # the logic is built by its first item: a resumed one must tick though nobody sends
            self._woken = True
            batches.append(Batch("", []))
        self._source.progress.batches += len(batches)
        return [(self._source.name, batch) for batch in batches]

    def next_awake(self) -> datetime | None:
        if self._full or not self._woken or self._quiet:
            return None
        return datetime.fromtimestamp((self._source.clock() + self._source.rest_ms) / 1_000, UTC)

    def snapshot(self) -> State:
        return dict(self._order.positions)

    def close(self) -> None:
        self._reader.close()

    @property
    def _quiet(self) -> bool:
        return self._woken and self._source.clock() >= self._quiet_at_ms

    def _end(self, place: Place) -> int:
        return max(self._first_ends[place], self._reader.end(place))

    def _behind(self, place: Place) -> bool:
        return self._order.taken[place] < self._end(place)

    def _measure(self) -> None:
        now_ms = self._source.clock()
        if now_ms >= self._measure_at_ms:
            self._measure_at_ms = now_ms + MEASURE_EVERY_MS
            self._source.progress.measured(self._order.positions, {place: self._end(place) for place in self._reader.places})


def _checked(place: Place, resumed: int | None, ends: tuple[int, int]) -> int:
    low, high = ends
    topic, partition = place
    if resumed is None:
        return low
    if resumed > high:
        raise PacelineError(
            f"The flow's memory ends at {topic}:{partition}:{resumed}, the log already at {high}: it is another log",
            "The topic was made anew. Remove this flow's recovery folder; it then reads the new log from its first message.",
        )
    if resumed < low:
        FLOW_MESSAGES_EXPIRED.labels(topic).inc(low - resumed)
        log.error("messages_expired_unread", topic=topic, partition=partition, messages=low - resumed)
    return max(resumed, low)
