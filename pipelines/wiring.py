"""Puts a flow together: which logic stands between which source and sinks."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from bytewax.dataflow import Dataflow

from infra.directory import DirectoryReader
from infra.errors import PacelineError
from infra.partition_reader import PartitionReader
from infra.telemetry.logs import logger
from infra.telemetry.metrics import MESSAGES_UNREADABLE
from infra.warehouse_columns import WarehouseColumns
from pipelines.connectors.group_logic import group_logic
from pipelines.corrections import Corrections
from pipelines.corrector import Corrector
from pipelines.decoding import Letters
from pipelines.flow_run import FlowRun
from pipelines.flows.live import live_flow
from pipelines.flows.store import store_flow
from pipelines.known_alerts import KnownAlerts
from pipelines.live_group import LiveGroup
from pipelines.packing import unpacked
from pipelines.sessions import Sessions
from pipelines.steps.shard import LiveShard
from pipelines.store_group import StoreGroup
from schemas.alerts import Alert, told_alert
from schemas.directory import DirectoryRecord, SessionRecord
from schemas.topics import ALERTS
from schemas.unreadable import UNREADABLE

log = logger(__name__)
CARRY_ROWS = 50_000
"""Result rows that a checkpoint of flow `live` may carry while the warehouse is away."""
CLOCK_MARGIN_MS = 60_000


def build_flow(run: FlowRun, directory: DirectoryReader, held: ExitStack) -> Dataflow:
    """The flow, ready to run; what it opens beside its sources and sinks is closed with `held`."""
    return _store(run, directory) if run.flow == "store" else _live(run, directory, held)


def _store(run: FlowRun, directory: DirectoryReader) -> Dataflow:
    group = StoreGroup(Sessions(directory), Letters("store", run.clock))
    return store_flow(run.source(), group, run.topics(), run.warehouse(carry_rows=0))


def _live(run: FlowRun, directory: DirectoryReader, held: ExitStack) -> Dataflow:
    news: deque[SessionRecord] = deque()

    def listen(record: DirectoryRecord) -> None:
        if isinstance(record, SessionRecord):
            news.append(record)

    directory.listen(listen)
    corrector = Corrector(partial(WarehouseColumns, run.settings, "reader"))
    held.callback(corrector.close)

    def build(state: dict[str, Any] | None) -> LiveGroup:
        found = state or {}
        since_ms = found["saved_ms"] - CLOCK_MARGIN_MS if "saved_ms" in found else 0
        return LiveGroup(
            shard=_restored(unpacked(found.get("shard"))),
            corrections=Corrections(corrector, found.get("corrections")),
            known_alerts=KnownAlerts(_published_alerts(run, since_ms), found.get("alert_shifts")),
            sessions=Sessions(directory),
            news=news,
            letters=Letters("live", run.clock),
            progress=run.progress,
            lag_label=str(run.group),
            clock=run.clock,
        )

    logic = group_logic(build, "live", run.progress, run.clock)
    return live_flow(run.source(), logic, run.topics(), run.warehouse(CARRY_ROWS))


def _restored(state: dict[str, Any] | None) -> LiveShard:
    try:
        return LiveShard.restore(state)
    except ValueError as failure:
        raise PacelineError(
            f"The memory of flow live cannot be read: {failure}",
            "Run the program that wrote it, or remove the flow's recovery folder: it then reads the whole log again.",
        ) from failure


def _published_alerts(run: FlowRun, since_ms: int) -> Iterator[Alert]:
    """What lies on the topic that is no alert of ours is passed over: it must not keep the flow from starting."""
    reader = PartitionReader(run.settings, run.places(ALERTS))
    try:
        for message in reader.history(since_ms):
            try:
                yield told_alert(message.value() or b"")
            except UNREADABLE as fault:
                MESSAGES_UNREADABLE.labels(ALERTS.name).inc()
                place = {"partition": message.partition(), "offset": message.offset()}
                log.error("alert_unreadable", **place, fault=str(fault))
    finally:
        reader.close()
