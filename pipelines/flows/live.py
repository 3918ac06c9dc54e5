"""Flow `live`: metrics, alerts and summaries of every running session, onto topics and into the warehouse."""

from collections.abc import Callable

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from pipelines.connectors.group_logic import GroupLogic, State
from pipelines.connectors.group_source import GroupSource
from pipelines.connectors.topic_sink import TopicSink
from pipelines.connectors.warehouse_sink import WarehouseSink
from pipelines.messages import only_messages, only_rows


def live_flow(
    source: GroupSource, group: Callable[[State | None], GroupLogic], topics: TopicSink, warehouse: WarehouseSink
) -> Dataflow:
    """Batches of events → live messages, alerts, results; what cannot be read → dead letters."""
    flow = Dataflow("live")
    batches = op.input("events", flow, source)
    results = op.stateful_batch("sessions", batches, group)
    op.output("topics", op.filter_map_value("messages", results, only_messages), topics)
    op.output("warehouse", op.filter_map_value("rows", results, only_rows), warehouse)
    return flow
