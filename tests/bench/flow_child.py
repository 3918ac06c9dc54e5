"""One measured process of the flow benchmarks: `python -m tests.bench.flow_child bare|per_event|live …`; answers in JSON.

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
from tests.bench.figures import usage_of

WARM_SHARE = 0.2
PEEK_S = 0.005


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


def between(first: Mark, last: Mark) -> dict[str, float]:
    """What it took to get from one mark to the other."""
    return {
        "events": last.events - first.events,
        "cpu_s": last.cpu_s - first.cpu_s,
        "wait_s": last.wait_s - first.wait_s,
        "wall_s": last.wall_s - first.wall_s,
    }


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


def bare(settings: Settings, total: int) -> dict[str, float]:
    """Consume and decode, nothing else: the least that any flow in Python can cost."""
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


def per_event(settings: Settings, total: int) -> dict[str, float]:
    """The flow of Bytewax's documentation, up to `total` events."""
    from bytewax.run import cli_main

    from tests.bench import per_event_flow

    marks: list[Mark] = []
    events = 0

    def decode(message: Any) -> Any:
        nonlocal events
        events += 1
        if events in {int(WARM_SHARE * total), total}:
            marks.append(Mark.now(events))
            if events == total:
                sys.stdout.write(json.dumps(between(*marks)) + "\n")
                sys.stdout.flush()
                os._exit(0)  # it has no way to stop early
        return original(message)

    original, per_event_flow.decode = per_event_flow.decode, decode
    cli_main(per_event_flow.per_event_flow(settings))
    raise RuntimeError(f"the log had only {events} of {total} events")


def live(settings: Settings, total: int, group: int = 0, groups: int = 1) -> dict[str, float]:
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


MODES: dict[str, Callable[..., dict[str, float]]] = {"bare": bare, "per_event": per_event, "live": live}


def main(mode: str, *numbers: str) -> None:
    answer = MODES[mode](load_settings(), *map(int, numbers))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
