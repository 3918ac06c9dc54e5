"""Stock clickhouse-connect, synchronous and asynchronous, works as against any ClickHouse."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.contracts.warehouses import Warehouse

ROWS = [[1, "one"], [2, "zwei\nZeilen"], [3, "'; DROP TABLE x; --"]]


@pytest.mark.parametrize("compress", [False, True, "lz4", "zstd", "gzip"])
def test_rows_come_back_as_they_went_in_under_every_compression(warehouse: Warehouse, table: str, compress: bool | str) -> None:
    client = warehouse.client(compress=compress)
    client.insert(table, ROWS, column_names=["id", "text"])
    assert client.query(f"SELECT id, text FROM {table} ORDER BY id").result_rows == [tuple(row) for row in ROWS]
    with client.query_row_block_stream(f"SELECT id, text FROM {table} ORDER BY id") as blocks:
        assert [list(row) for block in blocks for row in block] == ROWS
    assert client.command(f"SELECT count() FROM {table}") == 3


def test_types_survive(warehouse: Warehouse) -> None:
    row = (
        warehouse.client()
        .query(
            "SELECT toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toDateTime64('2026-11-21 08:00:00.125', 3, 'UTC'), "
            "[1, NULL, 3], map('a', 1.5), toDecimal64(1.25, 2), true, CAST('x' AS LowCardinality(Nullable(String)))"
        )
        .result_rows[0]
    )
    assert row[0] == UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
    assert row[1].replace(tzinfo=UTC) == datetime(2026, 11, 21, 8, 0, 0, 125_000, UTC)
    assert (row[2], row[3], str(row[4]), row[5], row[6]) == ([1, None, 3], {"a": 1.5}, "1.25", True, "x")


def test_parameters_are_values_never_sql(warehouse: Warehouse) -> None:
    nasty = "a'b\\c\nd\te; DROP TABLE x -- {x:String}"
    found = warehouse.client("reader").query(
        "SELECT {text:String}, {numbers:Array(UInt8)}, {at:DateTime64(3, 'UTC')}",
        parameters={"text": nasty, "numbers": [1, 2], "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
    )
    assert found.result_rows[0][:2] == (nasty, [1, 2])


def test_arrow_goes_in_and_out(warehouse: Warehouse, table: str) -> None:
    client = warehouse.client()
    rows = pa.table({"id": pa.array(range(10_000), pa.uint64()), "text": ["x"] * 10_000})
    summary = client.insert_arrow(table, rows)
    assert summary.written_rows == 10_000
    found = warehouse.client("analyst").query_arrow(f"SELECT id, text FROM {table} ORDER BY id")
    assert found.column("id").to_pylist() == list(range(10_000))


def test_data_frames_and_columns(warehouse: Warehouse, table: str) -> None:
    client = warehouse.client()
    client.insert(table, [[7, 8], ["a", "b"]], column_names=["id", "text"], column_oriented=True)
    frame = client.query_df(f"SELECT id + 10 AS id, text FROM {table} ORDER BY id")
    assert frame["id"].tolist() == [17, 18]
    client.insert_df(table, frame)
    assert client.query(f"SELECT id FROM {table} ORDER BY id").result_columns == [[7, 8, 17, 18]]


def test_raw_insert_and_raw_query(warehouse: Warehouse, table: str) -> None:
    client = warehouse.client()
    client.raw_insert(table, ["id", "text"], b"1,a\n2,b\n", fmt="CSV")
    assert client.raw_query(f"SELECT id, text FROM {table} ORDER BY id", fmt="CSV") == b'1,"a"\n2,"b"\n'


def test_an_empty_result_still_has_its_columns(warehouse: Warehouse, table: str) -> None:
    client = warehouse.client("analyst")
    found = client.query(f"SELECT id, text FROM {table}")
    assert (found.column_names, found.result_rows) == (("id", "text"), [])
    with client.query_row_block_stream(f"SELECT id FROM {table}") as blocks:
        assert [row for block in blocks for row in block] == []


def test_errors_arrive_as_the_client_s_exceptions(warehouse: Warehouse) -> None:
    with pytest.raises(DatabaseError, match="60"):
        warehouse.client("reader").query("SELECT * FROM there_is_no_such_table")
    with pytest.raises(DatabaseError, match="62"):
        warehouse.client("reader").query("SELEKT 1")


def test_settings_of_one_call_do_not_reach_the_next(warehouse: Warehouse) -> None:
    client = warehouse.client()
    asked = "SELECT getSetting('max_block_size')"
    before = client.command(asked)
    assert client.command(asked, settings={"max_block_size": 123}) == 123
    assert client.command(asked) == before


def test_readers_and_writers_at_once_see_whole_batches_only(warehouse: Warehouse, table: str) -> None:
    def write(number: int) -> None:
        batch = pa.table({"id": pa.array(range(1000), pa.uint64()), "text": [str(number)] * 1000})
        warehouse.client().insert_arrow(table, batch)

    def read(_: int) -> int:
        return int(warehouse.client("reader").command(f"SELECT count() FROM {table}"))

    with ThreadPoolExecutor(8) as threads:
        writing = threads.map(write, range(12))
        counts = list(threads.map(read, range(40)))
        list(writing)
    assert all(found % 1000 == 0 for found in counts)
    assert read(0) == 12_000


def test_a_session_keeps_its_temporary_table_and_database(warehouse: Warehouse) -> None:
    client = warehouse.client(session_id=f"s-{id(warehouse)}")
    client.command("CREATE TEMPORARY TABLE mine (x UInt8)")
    client.command("INSERT INTO mine VALUES (1), (2)")
    assert client.query("SELECT sum(x) FROM mine").result_rows == [(3,)]
    with pytest.raises(DatabaseError):
        warehouse.client().query("SELECT * FROM mine")
