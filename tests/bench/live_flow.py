"""Flow `live` with its alerts: against the flow of Bytewax's documentation, against bare consuming, and by the clock.

All on one embedded Apache Kafka and one warehouse of the benchmark's own. Throughput is events per second of processor time of
the whole process, the client's threads included; the three processes of a run read the same topic one after the other.
"""

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from infra.clock import system_clock
from infra.kafka import open_consumer, open_producer
from infra.settings import Settings
from schemas.alerts import alert_decoder
from schemas.topics import ALERTS, DEVICE_EVENTS, Topic
from tests.bench.figures import Figure, Run, Usage, median_figure, percentile, usage_of
from tests.bench.flow_scene import (
    PER_EVENT_ALERTS,
    SPRINT_EVERY,
    Gym,
    answer,
    began,
    events_of,
    fill,
    gym,
    kafka_and_warehouse,
    memory_of_its_own,
    open_classes,
    publish,
    start_child,
)
from tests.pipelines.flows.stage import FlowProcess
from tests.running import wait_until

RUNS = 3
EVENTS = 1_000_000
PER_EVENT_EVENTS = 150_000
"""The flow that is compared with needs twenty times as long; its cost does not depend on how many events there are."""
RATE_MEMBERS = 10_000
RATE_SECONDS = 45
IDLE_SECONDS = 10
SLICE_MS = 10
"""Of a clock of a millisecond, sender and broker would keep the two processors busy, and delays would be theirs."""
LEAD_S = 16
"""So long before the first event everything is prepared: all events are made, and the flow is started."""
GOALS = {10_000: (10.0, 0.75), 500: (6.0, 0.7)}


def measure() -> Iterator[Figure]:
    """All figures; about a quarter of an hour."""
    costs = {}
    for members in (10_000, 500, 50_000):
        with kafka_and_warehouse() as settings:
            total = filled(settings, members)
            if members in GOALS:
                figures, costs[members] = throughput(settings, members, total)
                yield from figures
            else:
                costs[members] = cost(settings, total)
            if members == 10_000:
                yield two_processes(settings, total)
    note = ", ".join(f"{members:,} members {us:.2f} µs" for members, us in sorted(costs.items()))
    yield Figure("cost per event, dearest ÷ cheapest of 500 to 50,000 members", spread(costs), "×", 1.5, "lower", note=note)
    yield from by_the_clock()


def filled(settings: Settings, members: int) -> int:
    """A log of about `EVENTS` events; how many they are."""
    seconds = max(EVENTS // members, 20)
    room = gym(members, began(seconds + 30))
    open_classes(settings, room)
    return fill(settings, room, seconds)


def throughput(settings: Settings, members: int, total: int) -> tuple[list[Figure], float]:
    """Ratios of events per processor second, and the flow's cost of an event in microseconds."""
    against: dict[str, list[Run]] = defaultdict(list)
    rates: dict[str, list[Run]] = defaultdict(list)
    for _ in range(RUNS):
        took = {mode: child(settings, mode, total) for mode in ("bare", "live", "per_event")}
        usage = Usage(took["live"]["cpu_s"], took["live"]["wait_s"])
        rate = {mode: found["events"] / found["cpu_s"] for mode, found in took.items()}
        for mode, found in took.items():
            rates[mode].append(Run(rate[mode], Usage(found["cpu_s"], found["wait_s"])))
            against[mode].append(Run(rate["live"] / rate[mode], usage))
    times, share = GOALS[members]
    size = f"{members:,} members"
    figures = [
        median_figure(f"live ÷ per-event flow, {size}", "×", times, "higher", against["per_event"]),
        median_figure(f"live ÷ bare consume and decode, {size}", "×", share, "higher", against["bare"]),
        *(median_figure(f"{mode}, {size}", "events/CPU s", None, "higher", runs) for mode, runs in rates.items()),
    ]
    return figures, 1e6 / median(run.value for run in rates["live"])


def child(settings: Settings, mode: str, total: int) -> dict[str, float]:
    events = min(total, PER_EVENT_EVENTS) if mode == "per_event" else total
    with memory_of_its_own(settings) as own:
        return answer(start_child(own, mode, events))


def cost(settings: Settings, total: int) -> float:
    """Processor time of an event, µs: median of the runs."""
    runs = [child(settings, "live", total) for _ in range(RUNS)]
    return median(run["cpu_s"] / run["events"] * 1e6 for run in runs)


def spread(costs: dict[int, float]) -> float:
    return max(costs.values()) / min(costs.values())


def two_processes(settings: Settings, total: int) -> Figure:
    """Two flows of one half each against one of all, by events a second of the wall clock, with Kafka on the same cores."""
    runs = []
    for _ in range(RUNS):
        alone = child(settings, "live", total)
        with memory_of_its_own(settings) as first, memory_of_its_own(settings) as second:
            halves = [start_child(own, "live", int(0.48 * total), group, 2) for group, own in enumerate((first, second))]
            both = [answer(half) for half in halves]
        usage = Usage(sum(half["cpu_s"] for half in both), sum(half["wait_s"] for half in both))
        rates = [half["events"] / half["wall_s"] for half in both]
        runs.append(Run(sum(rates) / (alone["events"] / alone["wall_s"]), usage))
    note = "Kafka and the warehouse share the cores"
    return median_figure("two processes ÷ one, events a second", "×", 1.5, "higher", runs, note)


@dataclass
class Clocked:
    """One run by the clock."""

    idle: Run
    inside: dict[str, float]
    seen: "Watched"
    stop_s: float

    def p95_ms(self, values_s: list[float]) -> float:
        return percentile(values_s, 0.95) * 1e3


def by_the_clock() -> Iterator[Figure]:
    """What depends on time: latency at 10,000 events a second, checkpoints, stopping, idling."""
    runs = [clocked() for _ in range(RUNS)]
    hops, alerts = [run.p95_ms(run.seen.hops_s) for run in runs], [run.p95_ms(run.seen.alerts_s) for run in runs]
    ratios = [alert / hop for alert, hop in zip(alerts, hops, strict=True)]
    rate, size = f"p95 at {RATE_MEMBERS:,} events/s", f"{RATE_MEMBERS:,} members"
    yield median_figure("idle flow, share of a core", "%", 5, "lower", [run.idle for run in runs])
    inside = [run.inside["inside_p95_ms"] for run in runs]
    busy_ms = sorted(run.inside["cpu_p95_ms"] for run in runs)[(RUNS - 1) // 2]
    note = f"{busy_ms:.1f} ms of it on a processor"
    yield median_figure(f"time inside the flow, {rate}", "ms", 5, "lower", inside, note)
    yield median_figure(f"event → alert readable ÷ one hop, {rate}", "×", 2.2, "lower", ratios)
    note = f"{sum(len(run.seen.alerts_s) for run in runs)} alerts"
    yield median_figure(f"event → alert readable, {rate}", "ms", None, "lower", alerts, note)
    yield median_figure(f"one hop, {rate}", "ms", None, "lower", hops)
    stalls = [run.inside["stall_ms"] for run in runs]
    yield median_figure(f"stall by a checkpoint, {size}", "ms", 30, "lower", stalls, "from the snapshot to the next read")
    yield median_figure(f"graceful stop, {size}", "s", 0.5, "lower", [run.stop_s for run in runs])


def clocked() -> Clocked:
    """One run on servers of its own, so that no earlier class is in its memory."""
    with kafka_and_warehouse() as settings:
        with memory_of_its_own(settings) as own:
            resting = idle(own)
        room = gym(RATE_MEMBERS, began(-LEAD_S))
        open_classes(settings, room)
        with memory_of_its_own(settings) as own:
            seen = Watched(settings, room, slices(room, RATE_SECONDS))
            lead_s = (room.started_ms - system_clock()) / 1_000
            flow = start_child(own, "timed", round(RATE_SECONDS + lead_s + 4))
            seen.run()
            inside = answer(flow)
        with memory_of_its_own(settings) as own:
            return Clocked(resting, inside, seen, stopping(own))


@dataclass(frozen=True)
class Slice:
    """What leaves for Kafka at one moment: key and value of each member's event, and the second it is of."""

    at_ms: int
    second: int
    events: tuple[tuple[int, bytes, bytes], ...]


def slices(room: Gym, seconds: int) -> list[Slice]:
    """Everybody's heart rates, as hubs' frames come.

    Made beforehand: a sender that makes a second's events at its beginning stands still for 60 ms, then sends six slices.
    """
    random, members = np.random.default_rng(2), [m.member_id for session in room.sessions for m in session.participants]
    found = []
    for second in range(seconds):
        due: dict[int, list[tuple[int, bytes, bytes]]] = defaultdict(list)
        for member_id, (key, value) in zip(members, events_of(room, second, random), strict=True):
            due[member_id * 37 % 1000 // SLICE_MS * SLICE_MS].append((member_id, key, value))
        found += [Slice(room.started_ms + second * 1000 + at_ms, second, tuple(due[at_ms])) for at_ms in sorted(due)]
    return found


@dataclass
class Watched:
    """Sends everybody's heart rates in real time, and reads alerts and hops as they come."""

    settings: Settings
    room: Gym
    slices: list[Slice]
    hops_s: list[float] = field(default_factory=list)
    alerts_s: list[float] = field(default_factory=list)

    def run(self) -> None:
        self._sent: dict[tuple[int, int], float] = {}
        self._done = threading.Event()
        self._sessions = {session.session_id for session in self.room.sessions}
        readers = [threading.Thread(target=self._read, args=(ALERTS, self._take_alert))]
        readers.append(threading.Thread(target=self._read, args=(PER_EVENT_ALERTS, self._take_hop)))
        for reader in readers:
            reader.start()
        self._send()
        time.sleep(2)
        self._done.set()
        for reader in readers:
            reader.join()

    def _send(self) -> None:
        """The event of a sprinter that closes a second is remembered with its moment."""
        producer = open_producer(self.settings)
        for part in self.slices:
            self._wait(part.at_ms, producer)
            for member_id, key, value in part.events:
                if (member_id - 1) % SPRINT_EVERY == 0:
                    self._sent[member_id, part.second] = time.perf_counter()
                publish(producer, DEVICE_EVENTS.name, key, value)
                if member_id % SPRINT_EVERY == 0:
                    publish(producer, PER_EVENT_ALERTS.name, key, repr(time.perf_counter()).encode())
        producer.flush(30)
        producer.close()

    def _wait(self, at_ms: int, producer: Producer) -> None:
        while (left_ms := at_ms - system_clock()) > 0:
            producer.poll(min(left_ms, 10) / 1_000)

    def _read(self, topic: Topic, take: Callable[[bytes], None]) -> None:
        consumer: Consumer = open_consumer(self.settings)
        consumer.assign([TopicPartition(topic.name, p, OFFSET_END) for p in range(topic.partitions)])
        while not self._done.is_set():
            first = consumer.poll(0.1)  # returns with the first message; `consume` would wait until it has a hundred
            for message in () if first is None else (first, *consumer.consume(100, 0)):
                if message.error() is None:
                    take(message.value() or b"")
        consumer.close()

    def _take_hop(self, value: bytes) -> None:
        with suppress(ValueError):
            self.hops_s.append(time.perf_counter() - float(value))

    def _take_alert(self, value: bytes) -> None:
        now = time.perf_counter()
        alert = alert_decoder.decode(value)
        if alert.rule == "heart_rate_high" and alert.version == 1 and alert.session_id in self._sessions:
            second = (alert.raised_at_ms - self.room.started_ms) // 1_000
            sent = self._sent.get((alert.member_id or 0, second + 1))
            if sent is not None:
                self.alerts_s.append(now - sent)


def idle(own: Settings) -> Run:
    """A flow that has read everything and to which nobody sends: percent of a core."""
    flow = FlowProcess(own, "live").start().wait_ready(60)
    assert flow.process is not None
    try:
        time.sleep(3)
        before, began_s = usage_of(flow.process.pid), time.monotonic()
        time.sleep(IDLE_SECONDS)
        usage = usage_of(flow.process.pid) - before
        return Run(usage.cpu_s / (time.monotonic() - began_s) * 100, usage)
    finally:
        flow.end()


def stopping(own: Settings) -> float:
    """From SIGTERM to the end of a flow that holds everybody's state, the last checkpoint included: seconds."""
    flow = FlowProcess(own, "live").start().wait_ready(60)
    wait_until(lambda: flow.metric("paceline_flow_lag_messages") == 0, "caught up")
    code, took_s = flow.end(signal.SIGTERM)
    assert code == 0, flow.log[-2_000:]
    return took_s
