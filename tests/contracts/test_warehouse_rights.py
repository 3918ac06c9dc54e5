"""Three users: the writer writes, the reader and the analyst read, nobody else enters."""

import httpx
import pytest

from infra.warehouse import Role
from tests.contracts.warehouses import Warehouse, code

DENIED = {"164", "497"}
READERS: list[Role] = ["reader", "analyst"]


@pytest.mark.parametrize("role", ["writer", *READERS])
def test_each_user_enters_by_every_door(warehouse: Warehouse, role: Role) -> None:
    user, password = warehouse.login(role)
    for given in (
        {"auth": (user, password)},
        {"headers": {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}},
        {"params": {"user": user, "password": password}},
    ):
        got = httpx.post(warehouse.url, content="SELECT 1", **given)  # type: ignore[arg-type] - each is one of its arguments
        assert got.text == "1\n"


def test_nobody_else_enters_and_is_told_the_same_whatever_was_wrong(warehouse: Warehouse) -> None:
    user, password = warehouse.login("reader")
    refused = [
        httpx.post(warehouse.url, content="SELECT 1", auth=(user, password + "x")),
        httpx.post(warehouse.url, content="SELECT 1", auth=(user, "")),
        httpx.post(warehouse.url, content="SELECT 1", auth=("nobody", password)),
        httpx.post(warehouse.url, content="SELECT 1", headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": "no"}),
        httpx.post(warehouse.url, content="SELECT 1", params={"user": user, "password": "no"}),
    ]
    for got in refused:
        assert (code(got), got.status_code in (401, 403)) == ("516", True), got.text
        assert password not in got.text


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic " + "QQ==", "Bearer abc", "Basic gICA"])
def test_broken_credentials_are_refused_politely(embedded: Warehouse, header: str) -> None:
    got = httpx.post(embedded.url, content="SELECT 1", headers={"authorization": header})
    assert (code(got), got.status_code) == ("516", 403)


def test_without_credentials_nothing_is_said_but_pings(embedded: Warehouse) -> None:
    assert code(httpx.post(embedded.url, content="SELECT 1")) == "516"
    assert code(httpx.get(embedded.url, params={"query": "SELECT 1"})) == "516"
    assert httpx.get(embedded.url).text == "Ok.\n"


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {t} VALUES (9, 'x')",
        "INSERT INTO {t} SELECT 9, 'x'",
        "INSERT INTO {t} FORMAT CSV 9,x",
        "CREATE TABLE contract_made (x UInt8) ENGINE = Memory",
        "CREATE VIEW contract_made AS SELECT 1",
        "CREATE DATABASE contract_made",
        "DROP TABLE {t}",
        "TRUNCATE TABLE {t}",
        "ALTER TABLE {t} DELETE WHERE 1",
        "ALTER TABLE {t} ADD COLUMN c UInt8",
        "DELETE FROM {t} WHERE 1",
        "OPTIMIZE TABLE {t} FINAL",
        "RENAME TABLE {t} TO contract_made",
        "KILL QUERY WHERE 1",
        "SYSTEM STOP MERGES",
        "SYSTEM SHUTDOWN",
        "SYSTEM FLUSH LOGS",
        "BACKUP DATABASE paceline TO Disk('backups', 'x')",
        "CREATE USER contract_made",
        "GRANT ALL ON *.* TO analyst",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 INTO OUTFILE '/tmp/contract_made'",
    ],
)
def test_readers_change_nothing(warehouse: Warehouse, table: str, role: Role, sql: str) -> None:
    got = warehouse.post(sql.format(t=table), role=role)
    # A server parses INTO OUTFILE in its client only and calls it a mistake.
    assert code(got) in DENIED | ({"1", "62"} if "OUTFILE" in sql else set()), (code(got), got.text)
    assert warehouse.post(f"SELECT count() FROM {table}").text == "0\n"


@pytest.mark.parametrize("role", READERS)
def test_readers_stay_readers_inside_a_session(warehouse: Warehouse, table: str, role: Role) -> None:
    session = {"session_id": f"climb-{role}-{table}"}
    warehouse.post("SET readonly = 0", role=role, **session)
    assert code(warehouse.post(f"INSERT INTO {table} VALUES (1, 'a')", role=role, **session)) in DENIED
    assert code(warehouse.post(f"DROP TABLE {table}", role=role, **session)) in DENIED


def test_a_session_belongs_to_its_user(warehouse: Warehouse) -> None:
    session = {"session_id": f"mine-{id(warehouse)}"}
    assert warehouse.post("USE system", role="writer", **session).status_code == 200
    assert warehouse.post("SELECT currentDatabase()", role="reader", **session).text == f"{warehouse.database}\n"


@pytest.mark.parametrize("argument", [{"readonly": "0"}, {"allow_ddl": "1"}, {"profile": "default"}])
def test_arguments_do_not_lift_a_reader_s_limits(warehouse: Warehouse, table: str, argument: dict[str, str]) -> None:
    got = warehouse.post(f"DROP TABLE {table}", role="reader", **argument)
    assert got.status_code >= 400
    assert warehouse.post(f"EXISTS TABLE {table}").text == "1\n"


@pytest.mark.parametrize(
    "sql", ["DROP TABLE {t}", "INSERT INTO {t} VALUES (1, 'a')", "CREATE TABLE contract_made (x UInt8) ENGINE = Memory"]
)
def test_a_get_changes_nothing_even_for_the_writer(warehouse: Warehouse, table: str, sql: str) -> None:
    got = warehouse.post(sql.format(t=table), method="GET")
    assert code(got) == "164", got.text
    assert warehouse.post(f"SELECT count() FROM {table}", method="GET").text == "0\n"


def test_the_writer_keeps_house(warehouse: Warehouse, table: str) -> None:
    for sql in (
        f"ALTER TABLE {table} ADD COLUMN extra UInt8 DEFAULT 7 COMMENT 'more'",
        f"INSERT INTO {table} (id, text) VALUES (1, 'a'), (2, 'b')",
        f"DELETE FROM {table} WHERE id = 2",
        f"OPTIMIZE TABLE {table} FINAL",
        f"CREATE VIEW v_{table} AS SELECT * FROM {table}",
        f"DROP VIEW v_{table}",
        "SYSTEM FLUSH LOGS",
        "KILL QUERY WHERE query_id = 'nobody'",
    ):
        got = warehouse.post(sql)
        assert got.status_code == 200, f"{sql}: {got.text}"
    assert warehouse.post(f"SELECT * FROM {table}").text == "1\ta\t7\n"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_execution_time", "0"),
        ("max_execution_time", "99999"),
        ("max_memory_usage", "0"),
        ("max_memory_usage", "999999999999"),
        ("max_result_rows", "0"),
        ("max_result_rows", "-1"),
        ("max_result_rows", "1e9"),
        ("MAX_RESULT_ROWS", "0"),
    ],
)
def test_the_analyst_cannot_lift_a_limit(embedded: Warehouse, setting: str, value: str) -> None:
    assert code(embedded.post("SELECT 1", role="analyst", **{setting: value})) in {"452", "115"}
    assert code(embedded.post(f"SELECT 1 SETTINGS {setting} = '{value}'", role="analyst")) != ""


def test_the_analyst_may_lower_a_limit(embedded: Warehouse) -> None:
    assert code(embedded.post("SELECT sleep(2)", role="analyst", max_execution_time="1")) == "159"


def test_the_analyst_s_limits_hold(embedded: Warehouse) -> None:
    assert code(embedded.post("SELECT number FROM numbers(1000001)", role="analyst", wait_end_of_query="1")) == "396"
    greedy = "SELECT length(groupArray(rand64())) FROM numbers(200000000)"
    assert code(embedded.post(greedy, role="analyst")) == "241"
    assert embedded.post("SELECT 1", role="analyst").text == "1\n"
