"""The way to the warehouse: nothing is lost, nothing overtakes what is repeated, a full queue holds back."""

import threading
from threading import Event

import pyarrow as pa
import pytest

from infra.errors import Unavailable
from pipelines.connectors.insert_queue import InsertQueue
from pipelines.connectors.warehouse_sink import Carried, WarehousePart
from pipelines.messages import Rows
from schemas.tables import ALERTS, CLASS_SUMMARIES, MEMBER_SUMMARIES, Table
from tests.running import wait_until


class Shelf:
    """A warehouse that is away until told otherwise, or takes rows and dies before it says so; it remembers what it took."""

    def __init__(self, present: bool = True, dies_after: int = 0) -> None:
        self.present = present
        self.dies_after = dies_after
        self.asked = 0
        self.taken: list[tuple[str, list[int]]] = []

    def insert(self, table: Table, rows: pa.Table) -> None:
        self.asked += 1
        if not self.present:
            raise Unavailable("away")
        self.taken.append((table.name, rows.column("n").to_pylist()))
        if self.asked <= self.dies_after:
            raise Unavailable("died")


def rows(n: int, table: Table = ALERTS, count: int = 1) -> Rows:
    return Rows(table, pa.table({"n": [n] * count}))


def numbers(pending: list[Rows]) -> list[int]:
    return [number for one in pending for number in one.rows.column("n").to_pylist()]


def never() -> bool:
    return False


def test_rows_of_a_table_keep_their_order_and_a_class_comes_after_its_members() -> None:
    shelf = Shelf()
    queue = InsertQueue(shelf, lambda _: None)
    for one in (rows(1), rows(2, CLASS_SUMMARIES), rows(3), rows(4, MEMBER_SUMMARIES)):
        queue.put(one, never)
    assert queue.drain(5)
    assert shelf.taken == [("alerts", [1, 3]), ("member_summaries", [4]), ("class_summaries", [2])]
    queue.close()


def test_an_insert_is_repeated_until_it_is_taken() -> None:
    shelf, told = Shelf(present=False), []
    queue = InsertQueue(shelf, told.append)
    queue.put(rows(1), never)
    assert not queue.drain(0.5)
    assert numbers(queue.pending()) == [1]
    shelf.present = True
    assert queue.drain(5)
    assert shelf.asked >= 2
    assert shelf.taken == [("alerts", [1])]
    assert told[0] == "away"
    assert told[-1] == ""
    queue.close()


def test_what_came_later_does_not_overtake_a_block_that_is_repeated_because_nobody_knows_whether_it_got_in() -> None:
    shelf = Shelf(dies_after=2)
    queue = InsertQueue(shelf, lambda _: None)
    queue.put(rows(1), never)
    wait_until(lambda: shelf.asked > 0, "the first try")
    queue.put(rows(2), never)
    assert queue.drain(10)
    assert shelf.taken == [("alerts", [1])] * 3 + [("alerts", [2])]
    queue.close()


def test_a_full_queue_holds_the_flow_back_until_there_is_room() -> None:
    shelf = Shelf(present=False)
    queue = InsertQueue(shelf, lambda _: None, rows_max=10)
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
    assert [found[-1] for _, found in shelf.taken] == [1, 3]
    queue.close()


def test_a_checkpoint_that_may_carry_does_not_wait_and_a_restart_inserts_what_it_carried() -> None:
    away, stop = Shelf(present=False), Event()
    part = WarehousePart(InsertQueue(away, lambda _: None), stop, carry_rows=100, carried=[])
    part.write_batch([rows(1), rows(2)])
    carried = part.snapshot()
    part.close()
    assert away.taken == []
    back = Shelf()
    resumed = WarehousePart(InsertQueue(back, lambda _: None), stop, carry_rows=100, carried=carried)
    wait_until(lambda: back.taken == [("alerts", [1, 2])], "carried rows inserted")
    resumed.close()


def test_what_an_older_release_carried_is_inserted_too() -> None:
    stop, away, back = Event(), Shelf(present=False), Shelf()
    part = WarehousePart(InsertQueue(away, lambda _: None), stop, carry_rows=100, carried=[])
    part.write_batch([rows(1), rows(2)])
    older: Carried = [(table, stream, f"origin {n}") for n, (table, stream, *_) in enumerate(part.snapshot())]
    part.close()
    resumed = WarehousePart(InsertQueue(back, lambda _: None), stop, carry_rows=100, carried=older)
    wait_until(lambda: back.taken == [("alerts", [1, 2])], "carried rows inserted")
    resumed.close()


def test_a_checkpoint_that_may_not_carry_fails_rather_than_forget_when_it_must_stop() -> None:
    stop = Event()
    part = WarehousePart(InsertQueue(Shelf(present=False), lambda _: None), stop, carry_rows=0, carried=[])
    part.write_batch([rows(1)])
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Unavailable, match="Stopped while the warehouse is away"):
        part.snapshot()
    part.close()
