"""When a group's logic does what is due beside its batches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.run import cli_main

from infra.clock import system_clock
from pipelines.connectors.group_logic import LEAVE_MS, OVERDUE_MS, STORE_MS, GroupLogic, group_logic
from pipelines.connectors.insert_queue import InsertQueue
from pipelines.connectors.topic_sink import TopicSink
from pipelines.connectors.warehouse_sink import WarehouseSink
from pipelines.flows.live import live_flow
from pipelines.messages import Batch, Output, Publish
from pipelines.progress import Progress

ALERT = Publish("alerts", b"key", b"alert")
BATCH = Batch("events", [])
NEVER_MS = 2**47
"""A moment that a date can still name, in the year 6429."""


@dataclass
class Recorder:
    """A group that gives an alert with every batch, and has something else to do at `due_ms`."""

    done: list[str]
    due_ms: int = 0
    gives: tuple[Output, ...] = (ALERT,)

    def take(self, batch: Batch) -> list[Output]:
        del batch
        self.done.append("taken")
        return list(self.gives)

    def wake(self, now_ms: int) -> list[Output]:
        assert now_ms >= self.due_ms
        self.done.append("woken")
        self.due_ms = NEVER_MS
        return []

    def next_wake_ms(self) -> int:
        return self.due_ms

    def finish(self) -> list[Output]:
        return []

    def snapshot(self) -> dict[str, Any]:
        return {}


@dataclass
class Bench:
    """A logic with a clock that stands still, and what its source has handed on."""

    now_ms: int = 1_000_000
    progress: Progress = field(default_factory=lambda: Progress("live", 0))

    def __post_init__(self) -> None:
        self.group = Recorder([], due_ms=self.now_ms)
        self.logic = GroupLogic(self.group, "live", self.progress, lambda: self.now_ms)

    def batch(self) -> None:
        self.progress.batches += 1
        self.logic.on_batch([BATCH])

    def remind(self, after_ms: int = 0) -> list[str]:
        self.now_ms += after_ms
        self.logic.on_notify()
        return self.group.done

    @property
    def reminded_in_ms(self) -> int:
        return round(self.logic.notify_at().timestamp() * 1_000) - self.now_ms


def test_what_is_due_waits_until_a_batchs_alerts_have_left() -> None:
    bench = Bench()
    bench.batch()
    assert bench.remind() == ["taken"]
    assert bench.reminded_in_ms == LEAVE_MS
    assert bench.remind(LEAVE_MS) == ["taken", "woken"]


def test_nothing_waits_for_a_batch_that_gave_nothing() -> None:
    bench = Bench()
    bench.group.gives = ()
    bench.batch()
    assert bench.remind() == ["taken", "woken"]


def test_what_is_due_waits_for_a_batch_that_is_on_its_way() -> None:
    bench = Bench()
    bench.progress.batches += 1
    assert bench.remind() == []
    bench.logic.on_batch([BATCH])
    assert bench.remind(LEAVE_MS) == ["taken", "woken"]


def test_nothing_begins_while_a_snapshot_is_stored_until_events_are_read_again() -> None:
    bench = Bench()
    bench.logic.snapshot()
    assert bench.remind() == []
    assert bench.reminded_in_ms == STORE_MS
    bench.group.gives = ()
    bench.batch()
    assert bench.remind() == ["taken", "woken"]


def test_a_flow_that_is_behind_does_what_is_long_overdue_though_another_batch_is_always_on_its_way() -> None:
    bench = Bench()
    bench.progress.batches += 1
    for _ in range(OVERDUE_MS - 1):
        bench.batch()
        assert "woken" not in bench.remind(after_ms=1)
    bench.batch()
    assert bench.remind(after_ms=1).count("woken") == 1


@dataclass(frozen=True)
class OneBatch(FixedPartitionedSource[tuple[str, Batch], None]):
    """Hands one batch on and ends when the group has done everything."""

    progress: Progress
    over: Callable[[], bool]

    def list_parts(self) -> list[str]:
        return ["only"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "OneBatchPart":
        del step_id, for_part, resume_state
        return OneBatchPart(self)


class OneBatchPart(StatefulSourcePartition[tuple[str, Batch], None]):
    def __init__(self, source: OneBatch) -> None:
        self._source = source

    def next_batch(self) -> list[tuple[str, Batch]]:
        if self._source.over():
            raise StopIteration
        if self._source.progress.batches:
            return []
        self._source.progress.batches = 1
        return [("only", BATCH)]

    def snapshot(self) -> None:
        return None


@dataclass
class Recording:
    """A producer that acknowledges everything."""

    done: list[str]

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None:
        del topic, value, key, on_delivery
        self.done.append("out")

    def poll(self, timeout: float) -> int:
        del timeout
        return 0

    def flush(self, timeout: float) -> int:
        del timeout
        return 0


def test_in_the_engine_an_alert_is_at_its_producer_before_anything_else_that_is_due_begins() -> None:
    done: list[str] = []
    progress, stop = Progress("live", 0), Event()

    def no_queue() -> InsertQueue:
        raise AssertionError("there are no rows")

    flow = live_flow(
        OneBatch(progress, lambda: "woken" in done),  # type: ignore[arg-type]  # a hand-written source in place of Kafka's
        group_logic(lambda _state: Recorder(done), "live", progress, system_clock),
        TopicSink("only", lambda: Recording(done), stop),
        WarehouseSink("only", no_queue, stop),
    )
    cli_main(flow)  # type: ignore[no-untyped-call]  # Bytewax's stubs name no types here
    assert done == ["taken", "out", "woken"]
