"""Data of an INSERT are data: complete, once, all or nothing, and never SQL."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contracts.warehouses import Warehouse, code

EVIL = "x;\n\nDROP TABLE system.one;\n'; DROP DATABASE paceline; --\n/* \" `"
ROWS = {"id": [1, 2], "text": [EVIL, ""]}


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(ROWS), sink)
    return sink.getvalue()


def _arrow(stream: bool) -> bytes:
    sink = io.BytesIO()
    table = pa.table(ROWS)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _tsv(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


BODIES = {
    "JSONEachRow": "\n".join(json.dumps({"id": n, "text": t}) for n, t in zip(*ROWS.values(), strict=True)).encode(),
    "CSV": "".join(f'{n},"{t}"\n' for n, t in zip(ROWS["id"], [EVIL.replace('"', '""'), ""], strict=True)).encode(),
    "TabSeparated": "".join(f"{n}\t{_tsv(t)}\n" for n, t in zip(*ROWS.values(), strict=True)).encode(),
    "Parquet": _parquet(),
    "Arrow": _arrow(stream=False),
    "ArrowStream": _arrow(stream=True),
    "Values": b"(1, '" + EVIL.replace("'", "\\'").encode() + b"'), (2, '')",
}


@pytest.mark.parametrize("place", ["query in the address", "query before the data"])
@pytest.mark.parametrize("form", list(BODIES))
def test_every_input_format_keeps_text_that_looks_like_sql(warehouse: Warehouse, table: str, form: str, place: str) -> None:
    head = f"INSERT INTO {table} (id, text) FORMAT {form}"
    if place == "query in the address":
        got = warehouse.post(head, BODIES[form])
    else:
        got = warehouse.post(body=head.encode() + b"\n" + BODIES[form])
    assert got.status_code == 200, got.text
    found = json.loads(warehouse.post(f"SELECT id, text FROM {table} ORDER BY id FORMAT JSONCompactColumns").content)
    assert [[int(value) for value in found[0]], found[1]] == [ROWS["id"], ROWS["text"]]
    assert warehouse.post("SELECT count() FROM system.one").text == "1\n"


def test_data_shaped_like_statements_are_bad_data(warehouse: Warehouse, table: str) -> None:
    got = warehouse.post(body=f"INSERT INTO {table} FORMAT CSV\n1,a\n; DROP TABLE {table}".encode())
    assert code(got) != ""
    assert warehouse.post(f"SELECT count() FROM {table}").text == "0\n"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {t} VALUES (1, 'a'); DROP TABLE {t}",
        "INSERT INTO {t} VALUES (1, 'a') ; SELECT 1",
        "INSERT INTO {t} SELECT 1, 'a'; DROP TABLE {t}",
        "INSERT INTO {t} SELECT 1, 'a' FORMAT CSV\n1,b\n\nDROP TABLE {t}",
    ],
)
def test_a_second_statement_behind_an_insert_never_runs(warehouse: Warehouse, table: str, statement: str) -> None:
    warehouse.post(statement.format(t=table))
    assert warehouse.post(f"EXISTS TABLE {table}").text == "1\n"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {t} VALUES (1, 'a')",
        "insert into {t} values (1, 'a');",
        "INSERT INTO TABLE {t} (id, text) VALUES (0 + 1, concat('a', ''))",
        '/* ; */ INSERT INTO {t}\n(text, id)\nFORMAT CSV\n"a",1',
        'INSERT INTO {t} SETTINGS max_insert_threads = 1 FORMAT JSONEachRow {{"id": 1, "text": "a"}}',
        "INSERT INTO {t} SELECT 1, 'a'",
        "INSERT INTO {t} (id, text) WITH 1 AS one SELECT one, 'a';",
        "INSERT INTO `{t}` FORMAT TabSeparated\n1\ta",
    ],
)
def test_the_ways_to_write_an_insert(warehouse: Warehouse, table: str, statement: str) -> None:
    got = warehouse.post(statement.format(t=table))
    assert got.status_code == 200, got.text
    assert warehouse.post(f"SELECT * FROM {table}").text == "1\ta\n"


def test_the_same_token_adds_nothing_whatever_the_rows(warehouse: Warehouse, table: str) -> None:
    for rows in (b"1,a\n", b"1,a\n", b"2,b\n"):
        got = warehouse.post(f"INSERT INTO {table} FORMAT CSV", rows, insert_deduplication_token="events:0:1-9")
        assert got.status_code == 200
    assert warehouse.post(f"SELECT * FROM {table}").text == "1\ta\n"
    warehouse.post(f"INSERT INTO {table} FORMAT CSV", b"2,b\n", insert_deduplication_token="events:0:10-12")
    assert warehouse.post(f"SELECT count() FROM {table}").text == "2\n"


def test_a_token_in_a_session_is_of_one_insert_only(warehouse: Warehouse, table: str) -> None:
    session = {"session_id": f"token-{table}"}
    warehouse.post(f"INSERT INTO {table} FORMAT CSV", b"1,a\n", insert_deduplication_token="one", **session)
    warehouse.post(f"INSERT INTO {table} FORMAT CSV", b"2,b\n", **session)
    warehouse.post(f"INSERT INTO {table} FORMAT CSV", b"3,c\n", **session)
    assert warehouse.post(f"SELECT count() FROM {table}").text == "3\n"


def test_a_bad_row_at_the_end_stores_nothing(warehouse: Warehouse, table: str) -> None:
    rows = b"".join(b"%d,a\n" % number for number in range(200_000)) + b"not a number,b\n"
    got = warehouse.post(f"INSERT INTO {table} FORMAT CSV", rows)
    assert code(got) == "27"
    assert warehouse.post(f"SELECT count() FROM {table}").text == "0\n"


def test_an_empty_body_inserts_nothing(warehouse: Warehouse, table: str) -> None:
    assert warehouse.post(body=f"INSERT INTO {table} FORMAT CSV\n".encode()).status_code == 200
    assert warehouse.post(f"SELECT count() FROM {table}").text == "0\n"


def test_an_unknown_input_format_or_table_is_said(warehouse: Warehouse, table: str) -> None:
    assert code(warehouse.post(f"INSERT INTO {table} FORMAT Nonsense", b"1")) == "73"
    assert code(warehouse.post("INSERT INTO nowhere_to_be_found FORMAT CSV", b"1")) == "60"


def test_hundred_thousand_rows_go_in_as_one_part(warehouse: Warehouse, table: str) -> None:
    rows = b"".join(b"%d\tx\n" % number for number in range(100_000))
    assert warehouse.post(f"INSERT INTO {table} FORMAT TabSeparated", rows).status_code == 200
    parts = f"SELECT count(), sum(rows) FROM system.parts WHERE active AND table = '{table}'"
    assert warehouse.post(parts).text == "1\t100000\n"
