"""Connections that stay ready for readers: whoever asks next finds one as if nobody had ever asked in it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.warehouse import Role
from tests.contracts.warehouses import Warehouse, code

STATE = """SELECT currentDatabase(), getSetting('max_block_size'), getSetting('max_result_rows'), getSetting('readonly'),
    (SELECT groupArray((name, value)) FROM system.settings WHERE changed AND name != 'log_comment'),
    (SELECT count() FROM system.tables WHERE is_temporary) FORMAT JSONCompactEachRow"""
PARAMETER = "SELECT {p:String}"
ATTEMPTS = (
    "SELECT 1",
    "SELECT number FROM numbers(200000)",
    "SELECT 1 SETTINGS max_block_size = 7",
    "SELECT throwIf(1)",
    "SELECT number, throwIf(number = 3000000) FROM numbers(10000000)",
    "SELECT no_such_column",
    "SET max_block_size = 7",
    "SET param_p = 'left behind'",
    "USE system",
    "CREATE TEMPORARY TABLE left_behind (x UInt8)",
    "WITH 7 AS left_behind SELECT left_behind",
    "EXPLAIN SELECT 1",
    "SHOW TABLES",
    "nonsense",
)
"""What a reader may try, with and without success."""
requests = st.fixed_dictionaries(
    {"query": st.sampled_from(ATTEMPTS), "role": st.sampled_from(["reader", "analyst"])},
    optional={
        "database": st.sampled_from(["system", "paceline", "no_such_database"]),
        "max_block_size": st.sampled_from(["7", "nonsense"]),
        "param_p": st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
        "session_id": st.sampled_from(["standing-a", "standing-b"]),
        "wait_end_of_query": st.just("1"),
        "readonly": st.sampled_from(["1", "2"]),
        "method": st.just("GET"),
    },
)


def test_nothing_that_readers_ask_shows_in_the_next_question(embedded: Warehouse) -> None:
    roles: list[Role] = ["reader", "analyst"]
    untouched = {role: embedded.post(STATE, role=role).text for role in roles}
    assert untouched["reader"] != untouched["analyst"]

    @settings(max_examples=25)
    @given(st.lists(requests, max_size=6))
    def asked(before: list[dict[str, str]]) -> None:
        for request in before:
            embedded.post(**request)  # type: ignore[arg-type] - each is one of its arguments
        for role in roles:
            for _ in range(2):  # the second by the same connection as the first
                assert embedded.post(STATE, role=role).text == untouched[role]
                assert code(embedded.post(PARAMETER, role=role)) == "456"

    asked()


@pytest.mark.parametrize("wait", ["0", "1"])
def test_questions_at_once_keep_their_own_parameters_and_databases(embedded: Warehouse, wait: str) -> None:
    def ask(number: int) -> tuple[list[object], list[object]]:
        database = ("system", "paceline")[number % 2]
        sql = "SELECT {n:UInt32}, {text:String}, currentDatabase() FORMAT JSONCompactEachRow"
        role: Role = "reader" if number % 3 else "analyst"
        got = embedded.post(
            sql, role=role, database=database, param_n=str(number), param_text=f"of {number}", wait_end_of_query=wait
        )
        return json.loads(got.content), [number, f"of {number}", database]

    with ThreadPoolExecutor(8) as threads:
        for answer, expected in threads.map(ask, range(120)):
            assert answer == expected


def test_a_reader_s_temporary_state_ends_with_its_request_whatever_it_set(warehouse: Warehouse) -> None:
    asked = "SELECT getSetting('max_block_size')"
    usual = warehouse.post(asked, role="reader").text
    assert warehouse.post(asked, role="reader", max_block_size="55").text == "55\n"
    assert warehouse.post(asked, role="reader").text == usual
    assert warehouse.post(PARAMETER, role="reader", param_p="mine").text == "mine\n"
    assert code(warehouse.post(PARAMETER, role="reader")) == "456"


def test_a_short_answer_tells_of_the_work_done(embedded: Warehouse) -> None:
    got = embedded.post("SELECT sum(number) FROM numbers(1000)", role="reader")
    assert (got.text, json.loads(got.headers["x-clickhouse-summary"])["read_rows"]) == ("499500\n", "1000")


def test_the_same_words_are_judged_for_each_user_anew(embedded: Warehouse) -> None:
    sql = "CREATE TEMPORARY TABLE judged (x UInt8)"
    assert embedded.post(sql, role="writer").status_code == 200
    for role in ("reader", "analyst"):
        assert code(embedded.post(sql, role=role)) in ("164", "497")  # type: ignore[arg-type] - a role each
