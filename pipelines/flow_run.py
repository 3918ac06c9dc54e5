"""One flow of one group of partitions: its name, its share, and the readers and sinks that its parts are given."""

from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import Literal

from infra.clock import Clock
from infra.kafka import cluster_id, open_producer
from infra.partition_reader import PartitionReader
from infra.settings import Settings
from infra.warehouse_columns import WarehouseColumns
from pipelines.connectors.group_source import GroupSource
from pipelines.connectors.insert_queue import InsertQueue
from pipelines.connectors.topic_sink import TopicSink
from pipelines.connectors.warehouse_sink import WarehouseSink
from pipelines.progress import Progress
from schemas.topics import APP_EVENTS, DEVICE_EVENTS, SESSION_PARTITIONS, Topic

FlowName = Literal["store", "live"]
REST_MS: dict[FlowName, int] = {"store": 100, "live": 12}
"""Pause of the source after a batch that was not full: `store` gathers, `live` hurries. A batch of a few events costs nearly
1 ms all by itself, so without a pause a class of hundreds would keep a core busy with beginnings."""
MOST: dict[FlowName, int] = {"store": 5_000, "live": 10_000}
"""Messages of a batch: only a flow that is behind meets so many. In batches of 10,000 an event costs `live` less than in
batches of 5,000, and the next batch waits some 30 ms."""


@dataclass(frozen=True)
class FlowRun:
    """One flow of one group, and what its parts share."""

    settings: Settings
    flow: FlowName
    group: int
    groups: int
    stop: Event
    clock: Clock
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "progress", Progress(self.flow, self.group))

    @property
    def name(self) -> str:
        return f"{self.flow}-{self.group}-of-{self.groups}"

    @cached_property
    def log_id(self) -> str:
        return cluster_id(self.settings)

    def places(self, *topics: Topic) -> list[tuple[str, int]]:
        """The group's share of these topics' partitions."""
        partitions = range(self.group, SESSION_PARTITIONS, self.groups)
        return [(topic.name, partition) for topic in topics for partition in partitions]

    def source(self) -> GroupSource:
        return GroupSource(
            name=self.name,
            dense=DEVICE_EVENTS,
            sparse=APP_EVENTS,
            open_reader=self._open_reader,
            progress=self.progress,
            stop=self.stop,
            clock=self.clock,
            rest_ms=REST_MS[self.flow],
            most=MOST[self.flow],
        )

    def _open_reader(self) -> PartitionReader:
        return PartitionReader(self.settings, self.places(DEVICE_EVENTS, APP_EVENTS), gathers=self.flow == "store")

    def topics(self) -> TopicSink:
        return TopicSink(self.name, lambda: open_producer(self.settings, linger_ms=0.5), self.stop)

    def warehouse(self, carry_rows: int) -> WarehouseSink:
        def open_queue() -> InsertQueue:
            return InsertQueue(WarehouseColumns(self.settings, "writer"), self._tell_trouble)

        return WarehouseSink(self.name, open_queue, self.stop, carry_rows)

    def _tell_trouble(self, why: str) -> None:
        """Without the warehouse flow `store` is held back; flow `live` goes on and keeps its rows."""
        if self.flow == "store":
            self.progress.trouble = why
