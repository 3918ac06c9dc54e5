"""Flow `store`: what devices measured and people did, into the warehouse as it came."""

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from pipelines.connectors.group_source import GroupSource
from pipelines.connectors.topic_sink import TopicSink
from pipelines.connectors.warehouse_sink import WarehouseSink
from pipelines.messages import only_messages, only_rows
from pipelines.store_group import StoreGroup


def store_flow(source: GroupSource, group: StoreGroup, topics: TopicSink, warehouse: WarehouseSink) -> Dataflow:
    """Batches of events → rows; what cannot be read → dead letters."""
    flow = Dataflow("store")
    batches = op.input("events", flow, source)
    results = op.flat_map_value("columns", batches, group.take)
    op.output("warehouse", op.filter_map_value("rows", results, only_rows), warehouse)
    op.output("topics", op.filter_map_value("letters", results, only_messages), topics)
    return flow
