"""Results that begin before they are complete: in pieces, with a failure said inside, stopped when nobody listens."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.exceptions import Error, StreamFailureError

from tests.contracts.warehouses import Warehouse, code
from tests.running import wait_until

LATE_FAILURE = "SELECT number, throwIf(number = 3000000) FROM numbers(10000000)"


def test_a_failure_after_the_first_piece_is_written_into_the_result(embedded: Warehouse) -> None:
    got = embedded.post(f"{LATE_FAILURE} FORMAT TabSeparated")
    assert got.status_code == 200
    tag = got.headers["x-clickhouse-exception-tag"]
    rows, _, failure = got.text.partition(f"__exception__\r\n{tag}\r\n")
    assert rows.startswith("0\t0\n1\t0\n")
    message, _, mark = failure.removesuffix(f" {tag}\r\n__exception__\r\n").rpartition("\n")
    assert message.startswith("Code: 395. DB::Exception: ")
    assert int(mark) == len(message) + 1


def test_stock_clients_see_a_late_failure(warehouse: Warehouse) -> None:
    with (
        pytest.raises((StreamFailureError, Error), match=r"395|throwIf"),
        warehouse.client("reader").query_row_block_stream(LATE_FAILURE) as blocks,
    ):
        for _ in blocks:
            pass


def test_waiting_for_the_end_gives_a_plain_failure(warehouse: Warehouse) -> None:
    got = warehouse.post(LATE_FAILURE, wait_end_of_query="1")
    assert (code(got), got.status_code) == ("395", 500)


def test_the_first_rows_come_before_the_last_are_made(warehouse: Warehouse) -> None:
    sql = "SELECT number, sleepEachRow(0.1) FROM numbers(20) SETTINGS max_block_size = 1, max_threads = 1 FORMAT TabSeparated"
    started = time.monotonic()
    with httpx.stream("POST", warehouse.url, content=sql, auth=warehouse.login("writer"), timeout=20) as got:
        next(got.iter_raw())
        first = time.monotonic() - started
    assert first < 1.5


def _running(warehouse: Warehouse, mark: str) -> int:
    sql = f"SELECT count() FROM system.processes WHERE Settings['log_comment'] = '{mark}'"
    return int(warehouse.post(sql).text)


def test_a_client_that_goes_away_stops_its_stream(warehouse: Warehouse) -> None:
    sql = "SELECT number, 'x' FROM system.numbers FORMAT TabSeparated"
    for attempt in range(6):
        with httpx.stream(
            "POST",
            warehouse.url,
            content=sql,
            params={"log_comment": f"gone-{attempt}"},
            auth=warehouse.login("writer"),
        ) as got:
            next(got.iter_raw())
    # More streams than reading threads were opened; all of them are free again.
    wait_until(lambda: not any(_running(warehouse, f"gone-{n}") for n in range(6)), "streams stopped", 10)


def test_long_reads_do_not_hold_up_an_insert(embedded: Warehouse, table: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        slow = [threads.submit(embedded.post, "SELECT sleep(2)", role="reader") for _ in range(4)]
        time.sleep(0.3)
        started = time.monotonic()
        assert embedded.post(f"INSERT INTO {table} VALUES (1, 'a')").status_code == 200
        assert time.monotonic() - started < 1.5
        assert all(job.result().status_code == 200 for job in slow)


async def test_too_many_at_once_are_told_to_come_back(embedded: Warehouse) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(auth=embedded.login("reader"), limits=limits, timeout=30) as client:
        answers = await asyncio.gather(*(client.post(embedded.url, content="SELECT sleep(0.15)") for _ in range(120)))
    refused = [got for got in answers if got.status_code == 503]
    assert refused
    assert all((code(got), got.headers["retry-after"]) == ("202", "1") for got in refused)
    assert all(got.status_code == 200 for got in answers if got not in refused)


def test_two_requests_in_one_session_do_not_mix(warehouse: Warehouse) -> None:
    session = {"session_id": f"busy-{id(warehouse)}"}
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(warehouse.post, "SELECT sleep(1)", **session)
        time.sleep(0.3)
        assert code(warehouse.post("SELECT 1", **session)) == "373"
        assert first.result().status_code == 200
    assert warehouse.post("SELECT 1", **session).text == "1\n"


def test_a_body_beyond_the_limit_is_refused_unread(embedded: Warehouse) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", embedded.settings.clickhouse_port), timeout=10) as raw:
        user, password = embedded.login("writer")
        raw.sendall(
            f"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}\r\n"
            f"Content-Length: {600 * 1024 * 1024}\r\n\r\n".encode()
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_small_body_that_unpacks_beyond_the_limit_is_refused(embedded: Warehouse) -> None:
    import gzip

    bomb = gzip.compress(b" " * (8 * 1024 * 1024), 9) * 70
    assert code(embedded.post(body=bomb, headers={"content-encoding": "gzip"})) == "309"


def test_metrics_count_queries_errors_rows_and_parts(embedded: Warehouse, table: str) -> None:
    def metric(name: str, **labels: str) -> float:
        from prometheus_client.parser import text_string_to_metric_families

        text = httpx.get(embedded.url + "metrics").text
        found: Any = [s for family in text_string_to_metric_families(text) for s in family.samples if s.name == name]
        return sum(s.value for s in found if labels.items() <= s.labels.items())

    rows, failed = metric("paceline_warehouse_rows_written_total"), metric("paceline_warehouse_errors_total", code="62")
    writes = metric("paceline_warehouse_queries_total", user="writer", kind="write")
    embedded.post(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    embedded.post("SELEKT")
    assert metric("paceline_warehouse_rows_written_total") == rows + 2
    assert metric("paceline_warehouse_errors_total", code="62") == failed + 1
    assert metric("paceline_warehouse_queries_total", user="writer", kind="write") == writes + 1
    assert metric("paceline_warehouse_active_parts") >= 1
    assert metric("paceline_warehouse_seconds_count", kind="read") > 0


def test_a_whole_result_and_its_summary_agree(warehouse: Warehouse) -> None:
    got = warehouse.post("SELECT number FROM numbers(5000)", wait_end_of_query="1")
    assert json.loads(got.headers["x-clickhouse-summary"])["read_rows"] == "5000"
