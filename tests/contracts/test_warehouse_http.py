"""The HTTP side as curl sees it: where queries stand, what headers say, what goes wrong how."""

import gzip
import io
import json
import zlib

import httpx
import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from tests.contracts.warehouses import Warehouse, code


def test_ping_needs_no_user(warehouse: Warehouse) -> None:
    assert httpx.get(warehouse.url + "ping").text == "Ok.\n"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "SELECT 1 + 1"),
        ("SELECT 1 + 1", b""),
        ("SELECT 1", b"+ 1"),
        ("", "SELECT 1 + 1;"),
        ("", "-- why\nSELECT /*;*/ 1 + 1 ;  "),
    ],
)
def test_a_query_may_stand_in_address_body_or_both(warehouse: Warehouse, query: str, body: bytes | str) -> None:
    method = "POST" if body else "GET"
    got = warehouse.post(query or str(body), body if query else b"", method=method)
    assert (got.status_code, got.text) == (200, "2\n"), got.text


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("TabSeparated", "1\ta\n"),
        ("CSV", '1,"a"\n'),
        ("CSVWithNames", '"n","s"\n1,"a"\n'),
        ("JSONEachRow", '{"n":1,"s":"a"}\n'),
        ("JSONCompactEachRow", '[1, "a"]\n'),
        ("Values", "(1,'a')"),
    ],
)
def test_a_format_is_taken_from_the_query_the_argument_or_the_header(warehouse: Warehouse, wanted: str, expected: str) -> None:
    sql = "SELECT 1 AS n, 'a' AS s"
    assert warehouse.post(f"{sql} FORMAT {wanted}").text == expected
    assert warehouse.post(sql, default_format=wanted).text == expected
    got = warehouse.post(sql, headers={"X-ClickHouse-Format": wanted})
    assert (got.text, got.headers["x-clickhouse-format"]) == (expected, wanted)


def test_a_format_in_the_query_beats_the_default_and_may_precede_settings(warehouse: Warehouse) -> None:
    got = warehouse.post("SELECT 1 AS n FORMAT CSVWithNames SETTINGS max_threads = 1", default_format="JSON")
    assert (got.text, got.headers["x-clickhouse-format"]) == ('"n"\n1\n', "CSVWithNames")


def test_json_parquet_and_arrow_are_whole_documents(warehouse: Warehouse) -> None:
    sql = "SELECT number FROM numbers(100000)"
    assert len(json.loads(warehouse.post(f"{sql} FORMAT JSON").content)["data"]) == 100_000
    assert pq.read_table(io.BytesIO(warehouse.post(f"{sql} FORMAT Parquet").content)).num_rows == 100_000
    assert pa.ipc.open_file(warehouse.post(f"{sql} FORMAT Arrow").content).read_all().num_rows == 100_000
    assert pa.ipc.open_stream(warehouse.post(f"{sql} FORMAT ArrowStream").content).read_all().num_rows == 100_000


@pytest.mark.parametrize("wait", ["0", "1"])
@pytest.mark.parametrize("form", ["TabSeparated", "CSV", "CSVWithNames", "TabSeparatedWithNames", "JSONEachRow", "RowBinary"])
def test_large_results_are_complete_and_have_one_head(warehouse: Warehouse, form: str, wait: str) -> None:
    got = warehouse.post(f"SELECT number AS n FROM numbers(300000) FORMAT {form}", wait_end_of_query=wait)
    if form == "RowBinary":
        assert len(got.content) == 8 * 300_000
    else:
        assert len(got.content.splitlines()) == 300_000 + ("Names" in form)


@pytest.mark.parametrize(
    ("coding", "unpack"),
    [
        ("lz4", lz4.frame.decompress),
        ("zstd", zstd.decompress),
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
    ],
)
@pytest.mark.parametrize("wait", ["0", "1"])
def test_responses_are_packed_as_the_client_accepts(warehouse: Warehouse, coding: str, unpack: object, wait: str) -> None:
    user, password = warehouse.login("reader")
    with httpx.stream(
        "POST",
        warehouse.url,
        params={"wait_end_of_query": wait, **({"enable_http_compression": "1"} if warehouse.embedded else {})},
        content="SELECT number FROM numbers(200000)",
        auth=(user, password),
        headers={"accept-encoding": coding},
        timeout=30,
    ) as got:
        raw = b"".join(got.iter_raw())
        assert got.headers["content-encoding"] == coding
    assert callable(unpack)
    assert unpack(raw).splitlines()[-1] == b"199999"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("lz4", lz4.frame.compress), ("zstd", zstd.compress), ("gzip", gzip.compress), ("deflate", zlib.compress)],
)
def test_bodies_may_be_packed(warehouse: Warehouse, coding: str, pack: object) -> None:
    assert callable(pack)
    got = warehouse.post(body=pack(b"SELECT 40 + 2"), headers={"content-encoding": coding})
    assert got.text == "42\n"


@pytest.mark.parametrize("coding", ["lz4", "zstd", "gzip", "deflate", "nonsense"])
def test_a_broken_body_is_refused(warehouse: Warehouse, coding: str) -> None:
    got = warehouse.post(body=b"SELECT 1", headers={"content-encoding": coding})
    assert got.status_code >= 400


@pytest.mark.parametrize(
    ("sql", "expected_code", "expected_status"),
    [
        ("SELEKT 1", "62", 400),
        ("SELECT * FROM nowhere_to_be_found", "60", 404),
        ("SELECT no_such_function(1)", "46", 404),
        ("SELECT no_such_column FROM system.one", "47", 404),
        ("SELECT 1 FORMAT NoSuchFormat", "73", 404),
        ("SELECT throwIf(1)", "395", 500),
        ("SELECT toUInt8('x')", "6", 400),
        ("SELECT 1; SELECT 2", "62", 400),
        ("SELECT 1; DROP TABLE x", "62", 400),
        ("SELECT 'open", "62", 400),
        ("SELECT /* open", "62", 400),
        ("", "62", 400),
    ],
)
def test_failures_carry_clickhouse_s_code_and_status(
    warehouse: Warehouse, sql: str, expected_code: str, expected_status: int
) -> None:
    got = warehouse.post(sql)
    assert (code(got), got.status_code) == (expected_code, expected_status), got.text
    assert got.text.startswith(f"Code: {expected_code}. DB::Exception: ")


def test_an_unknown_database_is_said(warehouse: Warehouse) -> None:
    assert code(warehouse.post("SELECT 1", database="nowhere")) == "81"


def test_an_unknown_setting_is_said(warehouse: Warehouse) -> None:
    assert code(warehouse.post("SELECT 1", no_such_setting="1")) == "115"


def test_parameters_are_unescaped_as_clickhouse_does(warehouse: Warehouse) -> None:
    got = warehouse.post("SELECT {a:String}, {b:UInt8} FORMAT JSONCompactEachRow", param_a="x\\ty'", param_b="7")
    assert json.loads(got.content) == ["x\ty'", 7]


def test_headers_tell_format_zone_query_and_work_done(warehouse: Warehouse, table: str) -> None:
    got = warehouse.post(f"INSERT INTO {table} FORMAT CSV", b"1,a\n2,b\n", query_id="my-query-1")
    assert json.loads(got.headers["x-clickhouse-summary"])["written_rows"] == "2"
    assert got.headers["x-clickhouse-query-id"] == "my-query-1"
    read = warehouse.post(f"SELECT * FROM {table}", wait_end_of_query="1")
    assert json.loads(read.headers["x-clickhouse-summary"])["read_rows"] == "2"
    assert read.headers["x-clickhouse-timezone"]
    assert read.headers["content-type"].startswith("text/tab-separated-values")


def test_a_session_keeps_what_was_set_and_is_one_client_s_at_a_time(warehouse: Warehouse) -> None:
    session = {"session_id": f"http-{id(warehouse)}", "session_timeout": "30"}
    assert warehouse.post("SET max_block_size = 777", **session).status_code == 200
    asked = "SELECT getSetting('max_block_size')"
    assert warehouse.post(asked, **session).text == "777\n"
    assert warehouse.post(asked, **session, max_block_size="55").text == "55\n"
    assert warehouse.post(asked, **session).text == "777\n"
    assert warehouse.post(asked).text != "777\n"


def test_who_has_the_whole_answer_may_ask_in_the_same_session_at_once(warehouse: Warehouse) -> None:
    session = {"session_id": f"hurried-{id(warehouse)}"}
    answers = {warehouse.post("SELECT number FROM numbers(3)", **session).text for _ in range(200)}
    assert answers == {"0\n1\n2\n"}


def test_a_session_that_must_exist_but_does_not_is_refused(warehouse: Warehouse) -> None:
    assert code(warehouse.post("SELECT 1", session_id="never-opened", session_check="1")) == "372"


def test_use_lasts_for_the_session_only(warehouse: Warehouse) -> None:
    session = {"session_id": f"use-{id(warehouse)}"}
    for role in ("writer", "reader"):
        assert warehouse.post("USE system", role=role, **session).status_code == 200
        assert warehouse.post("SELECT currentDatabase()", role=role, **session).text == "system\n"
    assert warehouse.post("SELECT currentDatabase()").text == f"{warehouse.database}\n"
