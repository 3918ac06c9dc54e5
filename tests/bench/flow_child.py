"""One measured process of the flow benchmarks: `python -m tests.bench.flow_child bare|per_event|live|timed …`; answers in JSON.

Throughput is counted from a fifth of the events on, so that nobody is charged for starting up.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from infra.kafka import open_consumer
from infra.settings import Settings, load_settings
from schemas.topics import DEVICE_EVENTS
from tests.bench.figures import percentile, usage_of

WARM_SHARE = 0.2
PEEK_S = 0.05
"""Looking costs the process time that is measured: 0.1 µs of an event, when it was 5 ms."""
Answer = dict[str, float]


@dataclass(frozen=True)
class Mark:
    """How far a process was, and what it had taken by then."""

    events: int
    cpu_s: float
    wait_s: float
    wall_s: float

    @classmethod
    def now(cls, events: int) -> "Mark":
        return cls(events, time.process_time(), usage_of(os.getpid()).wait_s, time.monotonic())


def between(first: Mark, last: Mark) -> Answer:
    """What it took to get from one mark to the other."""
    return {name: getattr(last, name) - getattr(first, name) for name in ("events", "cpu_s", "wait_s", "wall_s")}


class Stopwatch:
    """Looks at a counter until it has reached `total`."""

    def __init__(self, count: Callable[[], float], total: int, done: Callable[[], None]) -> None:
        self._count, self._total, self._done = count, total, done
        self.marks: list[Mark] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for bound in (WARM_SHARE * self._total, self._total):
            while (events := int(self._count())) < bound:
                time.sleep(PEEK_S)
            self.marks.append(Mark.now(events))
        self._done()


def bare(settings: Settings, total: int) -> Answer:
    """Consume and decode, nothing else."""
    from schemas.events import reading_decoder

    decode = reading_decoder.decode
    consumer = open_consumer(settings)
    consumer.assign([TopicPartition(DEVICE_EVENTS.name, p, OFFSET_BEGINNING) for p in range(DEVICE_EVENTS.partitions)])
    marks: list[Mark] = []
    events = 0
    while events < total:
        messages = consumer.consume(5_000, 0.01)
        for message in messages:
            if message.error() is not None:
                raise RuntimeError(message.error())
        events += len([decode(message.value()) for message in messages])
        if not marks and events >= WARM_SHARE * total:
            marks.append(Mark.now(events))
    return between(marks[0], Mark.now(events))


def per_event(settings: Settings, total: int) -> Answer:
    """The flow of Bytewax's documentation, up to `total` events."""
    from bytewax.run import cli_main

    from tests.bench.per_event_flow import decode, per_event_flow

    marks: list[Mark] = []
    events = 0

    def counted(message: Any) -> dict[str, Any]:
        nonlocal events
        events += 1
        if events in {int(WARM_SHARE * total), total}:
            marks.append(Mark.now(events))
            if events == total:
                sys.stdout.write(json.dumps(between(*marks)) + "\n")
                sys.stdout.flush()
                os._exit(0)  # it has no way to stop early
        return decode(message)

    cli_main(per_event_flow(settings, counted))
    raise RuntimeError(f"the log had only {events} of {total} events")


def live(settings: Settings, total: int, group: int = 0, groups: int = 1) -> Answer:
    """The product's flow with its recovery store and its warehouse."""
    from infra.clock import system_clock
    from infra.telemetry.metrics import FLOW_EVENTS
    from pipelines.flow_run import FlowRun
    from pipelines.run import run_flow

    stop = threading.Event()
    kept = FLOW_EVENTS.labels("live", "kept")
    watch = Stopwatch(lambda: next(iter(kept.collect())).samples[0].value, total, stop.set)
    run_flow(FlowRun(settings, "live", group, groups, stop, system_clock))
    return between(*watch.marks)


class Inside:
    """How long events are inside the flow, from the client's hand to the logic's last word, and how long checkpoints take."""

    def __init__(self) -> None:
        self.batches: list[tuple[float, float, int]] = []
        """Seconds by the clock and on a processor, and events."""
        self.stalls_s: list[float] = []
        self._read_at = self._cpu_at = 0.0
        self._events = 0
        self._stalled_at: float | None = None

    def watch(self) -> None:
        """Look over the shoulder of every reader and every group's logic of this process."""
        from infra.partition_reader import PartitionReader
        from pipelines.connectors.group_logic import GroupLogic

        read, on_batch, snapshot = PartitionReader.read, GroupLogic.on_batch, GroupLogic.snapshot

        def timed_read(reader: PartitionReader, most: int, wait_s: float = 0) -> Any:
            if self._stalled_at is not None:
                self.stalls_s.append(time.perf_counter() - self._stalled_at)
                self._stalled_at = None
            messages = read(reader, most, wait_s)
            self._read_at, self._cpu_at, self._events = time.perf_counter(), time.thread_time(), len(messages)
            return messages

        def timed_batch(logic: GroupLogic, values: Any) -> Any:
            answer = on_batch(logic, values)
            self.batches.append((time.perf_counter() - self._read_at, time.thread_time() - self._cpu_at, self._events))
            return answer

        def timed_snapshot(logic: GroupLogic) -> Any:
            self._stalled_at = time.perf_counter()
            return snapshot(logic)

        PartitionReader.read = timed_read  # type: ignore[method-assign]  # a measuring process of its own
        GroupLogic.on_batch = timed_batch  # type: ignore[method-assign]
        GroupLogic.snapshot = timed_snapshot  # type: ignore[method-assign]


def timed(settings: Settings, seconds: int) -> Answer:
    """The product's flow for so many seconds, with a watch inside; ends by itself."""
    from infra.clock import system_clock
    from pipelines.flow_run import FlowRun
    from pipelines.run import run_flow

    inside, stop = Inside(), threading.Event()
    inside.watch()
    threading.Timer(seconds, stop.set).start()
    run_flow(FlowRun(settings, "live", 0, 1, stop, system_clock))
    later = inside.batches[len(inside.batches) // 3 :]
    per_event = [took_s for took_s, _cpu_s, events in later for _ in range(events)]
    cpu = [cpu_s for _took_s, cpu_s, events in later for _ in range(events)]
    stalls_s = inside.stalls_s[len(inside.stalls_s) // 3 :]
    return {
        "inside_p50_ms": percentile(per_event, 0.5) * 1e3,
        "inside_p95_ms": percentile(per_event, 0.95) * 1e3,
        "cpu_p95_ms": percentile(cpu, 0.95) * 1e3,
        "stall_ms": percentile(stalls_s, 0.5) * 1e3,
        "stall_max_ms": max(stalls_s) * 1e3,
        "batch_events": len(per_event) / len(later),
    }


MODES: dict[str, Callable[..., Answer]] = {"bare": bare, "per_event": per_event, "live": live, "timed": timed}


def main(mode: str, *numbers: str) -> None:
    answer = MODES[mode](load_settings(), *map(int, numbers))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
