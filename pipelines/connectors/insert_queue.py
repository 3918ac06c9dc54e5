"""Rows on their way to the warehouse: collected, inserted by a thread, repeated until the warehouse has them."""

import threading
from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from infra.errors import Unavailable
from infra.telemetry.logs import logger
from infra.telemetry.metrics import STORE_RETRIES, STORE_ROWS, STORE_SECONDS
from pipelines.messages import Rows
from schemas.tables import TABLES, Table

log = logger(__name__)
INSERT_EVERY_S = 1.0
GATHER_S = 1.5
GATHER_ROWS = 1_000
"""So many after a second are a busy club's: they wait a little longer, because every insert costs a part and its merges."""
INSERT_ROWS = 50_000
INSERT_ROWS_MAX = 100_000
QUEUE_ROWS = 200_000
BACKOFF_S = (0.1, 0.2, 0.5, 1, 2)


class Warehouse(Protocol):
    """What the queue needs of `infra.warehouse_columns.WarehouseColumns`."""

    def insert(self, table: Table, rows: pa.Table) -> None: ...


class InsertQueue:
    """One thread inserts what has waited for a second, table by table in the order of `TABLES`; many gather a little longer.

    `put` blocks while the queue is full, which is how a warehouse that is away holds the flow back instead of losing rows.
    """

    def __init__(self, warehouse: Warehouse, tell: Callable[[str], None], *, rows_max: int = QUEUE_ROWS) -> None:
        self._rows_max = rows_max
        self._warehouse = warehouse
        self._tell = tell
        self._waiting: dict[Table, list[Rows]] = {}
        self._rows = 0
        self._draining = False
        self._closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="warehouse", daemon=True)
        self._thread.start()

    def put(self, rows: Rows, give_up: Callable[[], bool]) -> None:
        """Add rows; waits for room unless `give_up` says so.

        Raises Unavailable when given up: the rows are not in the queue.
        """
        with self._change:
            while self._rows > self._rows_max:
                if give_up():
                    raise Unavailable("The warehouse is away and the queue is full")
                self._change.wait(0.2)
            self._waiting.setdefault(rows.table, []).append(rows)
            self._rows += rows.rows.num_rows
            self._change.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Insert everything now; whether all of it is in the warehouse when this returns."""
        with self._change:
            self._draining = True
            self._change.notify_all()
            try:
                return self._change.wait_for(lambda: not self._waiting, timeout_s)
            finally:
                self._draining = False

    def pending(self) -> list[Rows]:
        """What the warehouse has not confirmed, those on their way included."""
        with self._change:
            return [rows for waiting in self._waiting.values() for rows in waiting]

    def close(self) -> None:
        """Stop the thread; what is pending is not inserted any more."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while self._wait_until_due():
            for table, rows in self._next_blocks():
                if not self._insert(table, rows):
                    return
                with self._change:
                    self._forget(table, rows)

    def _wait_until_due(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._closed or self._waiting)
            due = self._change.wait_for(self._is_due, INSERT_EVERY_S)
            if not due and self._rows >= GATHER_ROWS:
                self._change.wait_for(self._is_due, GATHER_S)
            return not self._closed

    def _is_due(self) -> bool:
        return self._closed or self._draining or self._rows >= INSERT_ROWS

    def _next_blocks(self) -> list[tuple[Table, list[Rows]]]:
        with self._change:
            blocks = []
            for table in sorted(self._waiting, key=TABLES.index):  # so that a class's row never stands before its members'
                waiting = self._waiting[table]
                count, size = 0, 0
                while count < len(waiting) and size < INSERT_ROWS_MAX:
                    size += waiting[count].rows.num_rows
                    count += 1
                blocks.append((table, waiting[:count]))
            return blocks

    def _insert(self, table: Table, block: list[Rows]) -> bool:
        """Repeat until the warehouse has the block; false when the queue was closed before.

        Nothing overtakes a block that is repeated: of two values for one second the later must come in later.
        """
        rows = pa.concat_tables([part.rows for part in block])
        tries = 0
        while not self._closed:
            try:
                with STORE_SECONDS.labels(table.name).time():
                    self._warehouse.insert(table, rows)
            except Unavailable as failure:
                self._tell(failure.problem)
                STORE_RETRIES.labels(table.name).inc()
                log.warning("insert_repeated", table=table.name, rows=rows.num_rows, tries=tries + 1, failure=failure.problem)
                self._pause(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
                tries += 1
            else:
                self._tell("")
                STORE_ROWS.labels(table.name).inc(rows.num_rows)
                return True
        return False

    def _pause(self, seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._closed, seconds)

    def _forget(self, table: Table, block: list[Rows]) -> None:
        rest = self._waiting[table][len(block) :]
        if rest:
            self._waiting[table] = rest
        else:
            del self._waiting[table]
        self._rows -= sum(part.rows.num_rows for part in block)
        self._change.notify_all()
