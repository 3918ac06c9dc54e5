"""Bytewax sink: rows into the warehouse, none of them forgotten at a checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import pyarrow as pa
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from infra.errors import Unavailable
from pipelines.connectors.insert_queue import InsertQueue
from pipelines.messages import Rows
from schemas.tables import TABLES

STOP_DRAIN_S = 5.0
CARRIED_STOP_DRAIN_S = 0.25
"""What may be carried waits for the warehouse no longer than this, so that a stop takes half a second."""
TABLE_BY_NAME = {table.name: table for table in TABLES}
Carried = list[tuple[str, bytes] | tuple[str, bytes, str]]
"""Table, rows as an Arrow stream. Checkpoints of older releases have a third word, which nothing asks for any more."""


@dataclass(frozen=True)
class WarehouseSink(FixedPartitionedSink[Rows, Carried]):
    """A checkpoint either waits until the warehouse has every row, or carries up to `carry_rows` unconfirmed rows in itself.

    The first suits a flow that only stores: a warehouse that is away holds it back. The second suits a flow that must go
    on showing the present: its few result rows wait in the checkpoint and are inserted after a restart.
    """

    name: str
    open_queue: Callable[[], InsertQueue]
    stop: Event
    carry_rows: int = 0

    def list_parts(self) -> list[str]:
        return [self.name]

    def build_part(self, step_id: str, for_part: str, resume_state: Carried | None) -> "WarehousePart":
        del step_id, for_part
        return WarehousePart(self.open_queue(), self.stop, self.carry_rows, resume_state or [])


class WarehousePart(StatefulSinkPartition[Rows, Carried]):
    """The only part of a group's warehouse sink."""

    def __init__(self, queue: InsertQueue, stop: Event, carry_rows: int, carried: Carried) -> None:
        self._queue = queue
        self._stop = stop
        self._carry_rows = carry_rows
        for table, stream, *_ in carried:
            rows = Rows(TABLE_BY_NAME[table], pa.ipc.open_stream(stream).read_all())
            self._queue.put(rows, stop.is_set)

    def write_batch(self, values: list[Rows]) -> None:
        for rows in values:
            self._queue.put(rows, self._stop.is_set)

    def snapshot(self) -> Carried:
        """What must be inserted after a restart.

        Raises Unavailable when stopping and the warehouse does not take what may not be carried: the flow then repeats the
        last epoch after its next start.
        """
        if self._stop.is_set() and self._queue.drain(CARRIED_STOP_DRAIN_S if self._carry_rows else STOP_DRAIN_S):
            return []
        while not self._may_carry():
            if self._queue.drain(1.0):
                return []
            if self._stop.is_set():
                raise Unavailable("Stopped while the warehouse is away", "The last rows are made again after the next start.")
        return [(rows.table.name, _stream(rows.rows)) for rows in self._queue.pending()]

    def close(self) -> None:
        self._queue.close()

    def _may_carry(self) -> bool:
        if not self._carry_rows:
            return not self._queue.pending()
        return sum(rows.rows.num_rows for rows in self._queue.pending()) <= self._carry_rows


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()
