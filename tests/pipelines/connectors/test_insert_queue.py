"""The way to the warehouse: nothing is lost, repeated inserts carry the same token, a full queue holds back."""

import threading
from threading import Event

import pyarrow as pa
import pytest

from infra.errors import Unavailable
from pipelines.connectors.insert_queue import InsertQueue
from pipelines.connectors.warehouse_sink import WarehousePart
from pipelines.messages import Rows
from schemas.tables import ALERTS, CLASS_SUMMARIES, MEMBER_SUMMARIES, Table
from tests.running import wait_until


class Shelf:
    """A warehouse that is away until told otherwise, and remembers what it was asked."""

    def __init__(self, present: bool = True) -> None:
        self.present = present
        self.taken: list[tuple[str, list[int]]] = []
        self.tokens: list[str] = []

    def insert(self, table: Table, rows: pa.Table, token: str) -> None:
        self.tokens.append(token)
        if not self.present:
            raise Unavailable("away")
        self.taken.append((table.name, rows.column("n").to_pylist()))


def rows(n: int, table: Table = ALERTS, count: int = 1) -> Rows:
    return Rows(table, pa.table({"n": [n] * count}), f"origin-{n}")


def never() -> bool:
    return False


def test_rows_of_a_table_keep_their_order_and_a_class_comes_after_its_members() -> None:
    shelf = Shelf()
    queue = InsertQueue(shelf, "log", lambda _: None)
    for one in (rows(1), rows(2, CLASS_SUMMARIES), rows(3), rows(4, MEMBER_SUMMARIES)):
        queue.put(one, never)
    assert queue.drain(5)
    assert shelf.taken == [("alerts", [1, 3]), ("member_summaries", [4]), ("class_summaries", [2])]
    queue.close()


def test_an_insert_is_repeated_under_the_same_token_until_it_is_taken() -> None:
    shelf, told = Shelf(present=False), []
    queue = InsertQueue(shelf, "log", told.append)
    queue.put(rows(1), never)
    assert not queue.drain(0.5)
    assert [one.origin for one in queue.pending()] == ["origin-1"]
    shelf.present = True
    assert queue.drain(5)
    assert len(shelf.tokens) >= 2
    assert len(set(shelf.tokens)) == 1
    assert told[0] == "away"
    assert told[-1] == ""
    queue.close()


def test_a_full_queue_holds_the_flow_back_until_there_is_room() -> None:
    shelf = Shelf(present=False)
    queue = InsertQueue(shelf, "log", lambda _: None, rows_max=10)
    queue.put(rows(1, count=11), never)
    with pytest.raises(Unavailable):
        queue.put(rows(2), lambda: True)
    entered = threading.Thread(target=queue.put, args=(rows(3), never))
    entered.start()
    entered.join(0.3)
    assert entered.is_alive(), "waiting for room"
    shelf.present = True
    entered.join(5)
    assert queue.drain(5)
    assert [numbers[-1] for _, numbers in shelf.taken] == [1, 3]
    queue.close()


def test_a_checkpoint_that_may_carry_does_not_wait_and_a_restart_inserts_what_it_carried() -> None:
    away, stop = Shelf(present=False), Event()
    part = WarehousePart(InsertQueue(away, "log", lambda _: None), stop, carry_rows=100, carried=[])
    part.write_batch([rows(1), rows(2)])
    carried = part.snapshot()
    part.close()
    assert away.taken == []
    back = Shelf()
    resumed = WarehousePart(InsertQueue(back, "log", lambda _: None), stop, carry_rows=100, carried=carried)
    wait_until(lambda: back.taken == [("alerts", [1, 2])], "carried rows inserted")
    resumed.close()


def test_a_checkpoint_that_may_not_carry_fails_rather_than_forget_when_it_must_stop() -> None:
    stop = Event()
    part = WarehousePart(InsertQueue(Shelf(present=False), "log", lambda _: None), stop, carry_rows=0, carried=[])
    part.write_batch([rows(1)])
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Unavailable, match="Stopped while the warehouse is away"):
        part.snapshot()
    part.close()
