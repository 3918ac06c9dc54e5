"""How the embedded warehouse reads SQL: the tokenizer against the engine's own, the cut between an INSERT and its data."""

import json
import random
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.warehouse.errors import QueryFailed
from infra.embedded.warehouse.forbidden import refuse_forbidden_names
from infra.embedded.warehouse.statement import Insert, Statement, read_statement
from infra.embedded.warehouse.tokens import Kind, tokenize
from tests.contracts.warehouses import Warehouse

HEADS = [
    "INSERT INTO t FORMAT CSV",
    "insert into db.t (a, b) format JSONEachRow",
    'INSERT INTO `format` (`values`, "select") FORMAT Native',
    "INSERT INTO t (a) SETTINGS x = 'FORMAT y', z = 1 FORMAT TabSeparated",
    "/* INSERT INTO a FORMAT b */ INSERT -- VALUES\nINTO TABLE t FORMAT Parquet",
    "INSERT INTO values FORMAT CSV",
    "INSERT INTO {table:Identifier} FORMAT CSV",
    "INSERT INTO t (* EXCEPT(b)) FORMAT CSV",
]


def _insert(sql: bytes, body: bytes = b"") -> Insert:
    found = read_statement(sql, body)
    assert isinstance(found, Insert)
    return found


@pytest.mark.parametrize("head", HEADS)
@given(data=st.binary(max_size=200))
def test_whatever_follows_the_format_s_line_is_data_to_the_byte(head: str, data: bytes) -> None:
    assert b"".join(_insert(head.encode() + b"\n" + data).data) == data
    behind_address = _insert(head.encode(), data)
    assert b"".join(behind_address.data) == data
    assert not behind_address.head.upper().rstrip().endswith((b"FORMAT", b"CSV"))


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_politely(data: bytes) -> None:
    for sql in (data, b"SELECT " + data, b"INSERT INTO t " + data, b"INSERT INTO t VALUES " + data):
        try:
            found = read_statement(sql)
        except QueryFailed:
            continue
        assert isinstance(found, Statement | Insert)


@given(st.text(max_size=100), st.sampled_from(["'{}'", '"{}"', "`{}`"]))
def test_quoted_text_is_one_token_whatever_it_holds(text: str, quotes: str) -> None:
    quote = quotes[0]
    escaped = text.replace("\\", "\\\\").replace(quote, random.Random(len(text)).choice(["\\" + quote, quote * 2]))
    sql = ("a " + quotes.format(escaped) + " b").encode()
    tokens = list(tokenize(sql))
    assert [token.text for token in (tokens[0], tokens[-1])] == [b"a", b"b"]
    assert len(tokens) == 3
    assert tokens[1].kind is (Kind.STRING if quote == "'" else Kind.QUOTED)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FORMAT CSV; SELECT 2",
        "SELECT 1;;;SELECT 2",
        "SELECT 1;\n-- only a comment?\nSELECT 2",
        "SELECT 1 /* ; */; SELECT ';'",
        "INSERT INTO t SELECT 1; SELECT 2",
        "INSERT INTO t VALUES (';'); SELECT 2",
        "INSERT INTO t (SELECT 1) ; SELECT 2",
    ],
)
def test_several_statements_are_refused(sql: str) -> None:
    with pytest.raises(QueryFailed) as refused:
        read_statement(sql.encode())
    assert refused.value.code == 62


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1 ; -- end", "SELECT ';'", "SELECT 1 /* ; SELECT 2 */", "SELECT `;`;;"])
def test_one_statement_may_end_and_quote_as_it_likes(sql: str) -> None:
    assert isinstance(read_statement(sql.encode()), Statement)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", None),
        ("SELECT 1 FORMAT CSV", "CSV"),
        ("SELECT 1 format `Native`;", "Native"),
        ("SELECT 1 FORMAT JSON SETTINGS a = 1", "JSON"),
        ("SELECT 1 SETTINGS a = 1 FORMAT JSON", "JSON"),
        ("SELECT 'FORMAT CSV'", None),
        ("SELECT format FROM t", None),
        ("SELECT * FROM (SELECT 1 FORMAT CSV)", None),
        ("SELECT 1 -- FORMAT CSV", None),
        ("SHOW TABLES FORMAT TSV", "TSV"),
    ],
)
def test_the_output_format_is_the_statement_s_last_clause(sql: str, expected: str | None) -> None:
    found = read_statement(sql.encode())
    assert isinstance(found, Statement)
    assert found.output_format == expected
    assert b"FORMAT CSV" not in found.bare or expected is None


@pytest.mark.parametrize("name", ["file", "Python", "EXECUTABLE", "eval", "dialect", "disk"])
@given(
    before=st.lists(
        st.sampled_from(["'a'", "-- x\n", "/* y */", "`b`", "1", "$t$ z $t$", "'it''s'", "'\\''", "# c\n"]), max_size=6
    ),
    after=st.lists(st.sampled_from([" ", "\n", "/**/", "-- x\n"]), max_size=3),
    quote=st.sampled_from(["{}", "`{}`", '"{}"', "“{}”"]),
)
def test_a_forbidden_name_is_found_wherever_it_stands(name: str, before: list[str], after: list[str], quote: str) -> None:
    sql = "SELECT " + " + ".join([*before, quote.format(name)]) + "".join(after) + "('x')"
    with pytest.raises(QueryFailed) as refused:
        refuse_forbidden_names(sql.encode())
    assert refused.value.code == 497


@given(st.text(alphabet="abc file()';\"`\\ \n", max_size=60))
def test_a_forbidden_name_inside_a_string_is_text(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    refuse_forbidden_names(f"SELECT 'file({escaped})'".encode())


PIECES = [
    "'plain'", "'it''s'", "'\\'m1'", "'\\\\'", "'-- m2'", "'/* m3'", "''", "x'41'", "‘m4’", "‘'’",
    "m11", "m12", "`m13`", '"m14"', "`a``m15`", '"\\"m16"', "“m17”",
    "/* m21 */ 1", "/* ' */ 1", "/* /* m22 */ ' */ 1", "/* \" ` */ 1", "/**/ 1",
    "-- m31 '\n 1", "// m32 '\n 1", "# m33 '\n 1", "#! m34 \"\n 1", "-- \\\n 1",
    "$$ m41 ' $$", "$a$ ' $$ m42 $a$", "$m43$ \" $m43$",
    "1.5e3", "0x1F", "1_000", ".5", "[1, 2].1", "(m51, m52).1", "m53 -> m54", "1 - -1", "4 / 2",
]  # fmt: skip


def _visible(sql: bytes) -> list[str]:
    """The marks m… that the text uses as names."""
    names = [token.text for token in tokenize(sql) if token.kind in (Kind.WORD, Kind.QUOTED)]
    return [mark for name in names for mark in re.findall(r"m\d\d", name.decode())]


def test_the_tokenizer_agrees_with_the_engine_s(embedded: Warehouse) -> None:
    """The engine writes a statement anew from what it has understood; the names left in it must be those that we saw."""
    chance = random.Random(20261121)
    queries = ["SELECT " + ", ".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(1500)]
    embedded.post("CREATE TABLE contract_queries (n UInt32, q String) ENGINE = Memory")
    numbered = "\n".join(json.dumps({"n": n, "q": query}) for n, query in enumerate(queries))
    assert embedded.post("INSERT INTO contract_queries FORMAT JSONEachRow", numbered).status_code == 200
    got = embedded.post("SELECT formatQuerySingleLineOrNull(q) FROM contract_queries ORDER BY n FORMAT JSONCompactEachRow")
    embedded.post("DROP TABLE contract_queries")
    understood = [json.loads(line)[0] for line in got.text.splitlines()]
    compared = 0
    for query, canonical in zip(queries, understood, strict=True):
        if canonical is None:
            continue
        compared += 1
        assert _visible(query.encode()) == _visible(canonical.encode()), query
    assert compared > 1000


EVIL = {
    "quotes": "'" * 50_001,
    "comments": "/*" * 25_000,
    "names": '"a' * 25_000,
    "escapes": "`\\" * 25_000,
    "dollars": "$a" * 25_000,
    "tags": "".join(f"${n}$ " for n in range(20_000)),
    "brackets": "(" * 50_000,
    "minuses": "-" * 100_000,
}


@pytest.mark.parametrize("evil", list(EVIL))
def test_reading_takes_time_in_proportion_only(evil: str) -> None:
    sql = b"SELECT file " + EVIL[evil].encode()
    started = time.process_time()
    with suppress(QueryFailed):
        read_statement(sql)
    with suppress(QueryFailed):
        list(tokenize(sql))
    assert time.process_time() - started < 2


def test_a_statement_beyond_the_engine_s_limit_is_refused() -> None:
    with pytest.raises(QueryFailed, match="Max query size"):
        read_statement(b"SELECT '" + b"x" * 300_000 + b"'")
    with pytest.raises(QueryFailed, match="another format"):
        read_statement(b"INSERT INTO t VALUES " + b"(1)," * 5_000_000)
