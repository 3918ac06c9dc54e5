"""A Kafka, a warehouse and both flows of a test's own, each to be taken away and given back."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from infra.kafka import ensure_topics
from infra.migrate import migrate_warehouse
from infra.processes import embedded_kafka
from infra.settings import Settings
from schemas.directory import SessionRecord
from schemas.events import DeviceEvent
from tests.pipelines.flows.stage import FlowProcess, Stage, WarehouseProcess, heart_rate, power
from tests.running import settings_in, temporary_home, wait_until

NOTHING = 0


@dataclass
class KafkaProcess:
    """A broker that may be killed, stopped for a while, or have no room on its disk."""

    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "KafkaProcess":
        kafka = embedded_kafka(self.settings)
        kafka.prepare()
        with (self.settings.home / "kafka.log").open("ab") as output:
            self.process = kafka.launch().start(output)
        wait_until(kafka.ready, "kafka", 90)
        return self

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass
class House:
    """What runs, and the way to what came out of it."""

    settings: Settings
    kafka: KafkaProcess
    warehouse: WarehouseProcess
    flows: dict[str, FlowProcess] = field(default_factory=dict)
    stage: Stage = field(init=False)

    @property
    def store(self) -> FlowProcess:
        return self.flows["store"]

    @property
    def live(self) -> FlowProcess:
        return self.flows["live"]

    def why_not_ready(self, flow: str) -> str:
        """What an operator reads at /ready; empty when it is ready."""
        answer = httpx.get(f"{self.flows[flow].url}/ready", timeout=10).json()
        return "" if answer["ready"] else answer["reason"]


@contextmanager
def house() -> Iterator[House]:
    """All of it, running inside the block."""
    with temporary_home() as home, ExitStack() as held:
        settings = settings_in(home, flow_epoch_s=0.5)
        kafka = KafkaProcess(settings)
        held.callback(kafka.kill)
        warehouse = WarehouseProcess(settings)
        held.callback(warehouse.kill)
        kafka.start()
        ensure_topics(settings)
        warehouse.start()
        migrate_warehouse(settings)
        found = House(settings, kafka, warehouse)
        for name in ("store", "live"):
            found.flows[name] = FlowProcess(settings, name).start()
            held.callback(end, found.flows[name])
        found.stage = Stage(settings)
        held.callback(found.stage.close)
        for flow in found.flows.values():
            flow.wait_ready(60)
        yield found


def end(flow: FlowProcess) -> None:
    """Leave nothing running; what it said is shown when a test failed."""
    if flow.process and flow.process.poll() is None:
        flow.process.kill()
        flow.process.wait()
    print(flow.log[-5_000:])  # noqa: T201 - pytest shows it with a failed test


@contextmanager
def full_disk(process: subprocess.Popen[bytes] | None, room_bytes: int = NOTHING) -> Iterator[None]:
    """No file of this process can grow beyond so many bytes: every write fails, as on a full disk, for one process only."""
    assert process is not None
    _soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        if process.poll() is None:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def a_class(session: SessionRecord, seconds: int) -> list[DeviceEvent]:
    """Heart rate and power of every member, once a second; member after member crosses a limit for a while."""
    events: list[DeviceEvent] = []
    begin = session.started_at_ms
    for s in range(seconds):
        for number, person in enumerate(session.participants):
            high = 190 if s // 40 == number + 1 else 120 + s % 7
            events.append(heart_rate(session.session_id, person.member_id, begin + s * 1_000, high))
            events.append(power(session.session_id, person.member_id, begin + s * 1_000 + 200, 150 + s % 90))
    return events
