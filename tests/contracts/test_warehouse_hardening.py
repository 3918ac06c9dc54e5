"""No statement of any user reaches outside the embedded warehouse or sees another user's secrets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.warehouse import Role
from tests.contracts.warehouses import Warehouse, code

SECRET = "contract-secret-7461"
ROLES: list[Role] = ["writer", "reader", "analyst"]


@pytest.fixture(scope="module")
def secret_file(embedded: Warehouse) -> Iterator[Path]:
    """A file of this machine that no query may show."""
    path = embedded.settings.home / "secret.csv"
    path.write_text(SECRET)
    yield path
    path.unlink()


READING_FILES = [
    "SELECT file('{p}')",
    "SELECT FILE('{p}')",
    "SELECT `file`('{p}')",
    "SELECT \"file\"('{p}')",
    "SELECT “file”('{p}')",
    "SELECT \"\\x66ile\"('{p}')",
    "SELECT \"fi\\Nle\"('{p}')",
    "SELECT `f\\ile`('{p}')",
    "SELECT file /* c */ ('{p}')",
    "SELECT file -- c\n ('{p}')",
    "SELECT file // c\n ('{p}')",
    "SELECT file # c\n ('{p}')",
    "SELECT /* /* */ ' */ file('{p}') -- '",
    "SELECT 1 /* ' */, file('{p}') /* ' */",
    "SELECT 1 -- '\n, file('{p}') -- '",
    "SELECT 1 // '\n, file('{p}') -- '",
    "SELECT 1 # '\n, file('{p}') -- '",
    "SELECT 'it''s', file('{p}'), ''",
    "SELECT 'it\\'s', file('{p}'), ''",
    "SELECT ‘'’, file('{p}'), ‘'’",
    "SELECT $a$'$a$, file('{p}'), $a$'$a$",
    "SELECT * APPLY(file) FROM (SELECT '{p}')",
    "SELECT * APPLY file FROM (SELECT '{p}')",
    "SELECT arrayMap(file, ['{p}'])",
    "SELECT arrayMap(x -> file(x), ['{p}'])",
    "WITH x -> file(x) AS f SELECT f('{p}')",
    "SELECT * FROM view(SELECT file('{p}'))",
    "SELECT * FROM eval('SELECT file(\\'{p}\\')') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT * FROM file('{p}')",
    "SELECT * FROM file('{p}', 'CSV', 'a String')",
    "SELECT * FROM `{p}`",
    "DESCRIBE TABLE file('{p}')",
    "SELECT * FROM filesystem('{d}')",
    "SELECT * FROM icebergLocal('{d}')",
    "SELECT * FROM deltaLakeLocal('{d}')",
    "SELECT * FROM sqlite('{p}', 't')",
    "SELECT * FROM url('file://{p}', 'CSV', 'a String')",
    "SELECT * FROM Python(secret)",
    "SELECT * FROM python(os)",
    "SELECT * FROM executable('cat {p}', 'CSV', 'a String')",
    "EXPLAIN SELECT file('{p}')",
]


@pytest.mark.parametrize("role", ROLES)
def test_no_spelling_reads_a_file_of_the_machine(embedded: Warehouse, secret_file: Path, role: Role) -> None:
    for form in READING_FILES:
        sql = form.format(p=secret_file, d=secret_file.parent)
        got = embedded.post(sql, role=role)
        assert got.status_code >= 400, f"{sql}: {got.text}"
        assert SECRET not in got.text, sql


def test_the_engine_itself_would_have_read_it(embedded: Warehouse) -> None:
    """The names are refused by us alone: were they not, the file would be shown. If this fails, the refusal can go."""
    got = embedded.post("SELECT count() FROM system.functions WHERE name = 'file'")
    assert got.text == "1\n"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {t} VALUES (1, file('{p}'))",
        "INSERT INTO {t} FORMAT Values (1, file('{p}'))",
        "INSERT INTO {t} SELECT 1, file('{p}')",
        "INSERT INTO {t} FROM INFILE '{p}' FORMAT CSV",
        "INSERT INTO {t} SELECT 1, * FROM file('{p}', 'CSV', 'a String')",
        "ALTER TABLE {t} UPDATE text = file('{p}') WHERE 1",
        "ALTER TABLE {t} ADD COLUMN f String DEFAULT file('{p}')",
        "CREATE FUNCTION contract_f AS x -> file(x)",
        "CREATE VIEW contract_v AS SELECT file('{p}')",
    ],
)
def test_the_writer_cannot_copy_a_file_into_a_table(embedded: Warehouse, table: str, secret_file: Path, sql: str) -> None:
    embedded.post(f"INSERT INTO {table} VALUES (1, 'a')")
    got = embedded.post(sql.format(t=table, p=secret_file))
    assert got.status_code >= 400
    assert SECRET not in embedded.post(f"SELECT * FROM {table}").text


def test_data_in_the_body_of_values_are_checked_too(embedded: Warehouse, table: str, secret_file: Path) -> None:
    got = embedded.post(f"INSERT INTO {table} VALUES", f"(1, file('{secret_file}'))")
    assert code(got) == "497"
    assert embedded.post(f"INSERT INTO {table} VALUES", "(1, 'file(1)')").status_code == 200


DICTIONARY = "CREATE DICTIONARY contract_x (a UInt64, b String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
REACHING_OUT = [
    "CREATE TABLE contract_x (a String) ENGINE = File(CSV)",
    "CREATE TABLE contract_x (a String) ENGINE = File(CSV, '/tmp/contract_x')",
    "CREATE TABLE contract_x (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
    "CREATE TABLE contract_x (a String) ENGINE = S3('http://127.0.0.1:1/bucket/x', 'CSV')",
    "CREATE TABLE contract_x (a String) ENGINE = Kafka('127.0.0.1:1', 't', 'g', 'CSV')",
    "CREATE TABLE contract_x (a String) ENGINE = Executable('x', 'CSV')",
    "CREATE TABLE contract_x (a String) ENGINE = ExecutablePool('x', 'CSV')",
    "CREATE TABLE contract_x (a String) ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "CREATE TABLE contract_x (a String) ENGINE = PostgreSQL('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "CREATE TABLE contract_x (a String) ENGINE = SQLite('/tmp/contract_x', 'a')",
    "CREATE TABLE contract_x AS url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "CREATE TABLE contract_x (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS `disk`=`disk`(type=local,path='/tmp/contract_x/')",
    "CREATE TABLE contract_x (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type=local, path='/tmp/contract_x/')",
    "CREATE DATABASE contract_x ENGINE = Filesystem('/etc')",
    "CREATE DATABASE contract_x ENGINE = SQLite('/tmp/contract_x')",
    "CREATE DATABASE contract_x ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c')",
    "CREATE DATABASE contract_x ENGINE = PostgreSQL('127.0.0.1:1', 'a', 'b', 'c')",
    "CREATE DATABASE contract_x ENGINE = Backup('paceline', Disk('backups', 'x'))",
    f"{DICTIONARY} SOURCE(EXECUTABLE(COMMAND 'touch /tmp/contract_x' FORMAT 'CSV'))",
    f"{DICTIONARY} SOURCE(HTTP(URL 'http://127.0.0.1:1' FORMAT 'CSV'))",
    "CREATE NAMED COLLECTION contract_x AS a = 1",
    "CREATE USER contract_x",
    "CREATE ROLE contract_x",
    "CREATE ROW POLICY contract_x ON paceline.alerts FOR SELECT USING 1",
    "CREATE FUNCTION contract_x AS x -> x + 1",
    "GRANT SOURCES ON *.* TO default",
    "ALTER USER default SETTINGS readonly = 0",
    "ATTACH TABLE contract_x FROM '/tmp/' (a UInt8) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO FUNCTION file('/tmp/contract_x', 'CSV', 'a UInt8') SELECT 1",
    "INSERT INTO TABLE FUNCTION url('http://127.0.0.1:1/', 'CSV', 'a UInt8') VALUES (1)",
    "INSERT INTO FUNCTION remote('127.0.0.1:1', 'a', 'b') VALUES (1)",
    "SELECT 1 INTO OUTFILE '/tmp/contract_x'",
    "SELECT 1 FORMAT CSV INTO OUTFILE '/tmp/contract_x'",
    "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
    "SELECT * FROM remoteSecure('127.0.0.1:1', 'system', 'one')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')",
    "SELECT * FROM redis('127.0.0.1:1', 'a', 'a String, b String')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'a String')",
    "SELECT * FROM odbc('DSN=x', 't')",
    "SELECT * FROM jdbc('x', 't')",
    "SELECT * FROM cluster('default', system.one)",
    "BACKUP DATABASE paceline TO File('/tmp/contract_x')",
    "BACKUP DATABASE paceline TO Disk('backups', '../../contract_x')",
    "BACKUP DATABASE paceline TO S3('http://127.0.0.1:1/bucket/x', 'a', 'b')",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM START LISTEN HTTP",
    "SYSTEM RELOAD CONFIG",
    "SYSTEM RELOAD USERS",
    "SYSTEM ENABLE FAILPOINT x",
    "EXECUTE AS default SELECT 1",
    "BEGIN TRANSACTION",
    "SELECT addressToLine(1)",
    "SET dialect = 'prql'",
    "SET allow_experimental_eval_table_function = 1",
]


@pytest.mark.parametrize("role", ROLES)
def test_no_statement_reaches_out_or_takes_rights(embedded: Warehouse, role: Role) -> None:
    for sql in REACHING_OUT:
        got = embedded.post(sql, role=role)
        assert got.status_code >= 400, f"{sql}: {got.text}"
    assert not list(Path("/tmp").glob("contract_x*"))
    assert not list(embedded.settings.home.rglob("contract_x*"))
    assert embedded.post("SELECT 1", role=role).text == "1\n"


@pytest.mark.parametrize(
    "arguments",
    [
        {"dialect": "prql"},
        {"profile": "default"},
        {"implicit_select": "1"},
        {"allow_introspection_functions": "1"},
        {"allow_experimental_eval_table_function": "1"},
        {"format_schema": "x"},
        {"max_threads`=1, readonly": "0"},
        {"max_threads = 1, readonly": "0"},
        {"param_x = 1, readonly": "0"},
    ],
)
def test_arguments_open_nothing(embedded: Warehouse, arguments: dict[str, str]) -> None:
    for role in ROLES:
        assert code(embedded.post("SELECT 1", role=role, **arguments)) in {"452", "62"}


def test_a_database_name_is_a_name(embedded: Warehouse) -> None:
    for name in ("paceline&readonly=0", "paceline; DROP DATABASE paceline", "pa`celine", "../x", "paceline?x=1"):
        assert code(embedded.post("SELECT currentDatabase()", database=name, role="reader")) == "81"


def test_system_tables_show_no_secret(embedded: Warehouse) -> None:
    secrets = [embedded.login(each)[1] for each in ROLES] + [embedded.settings.jwt_secret.get_secret_value()]
    assert all(secrets)
    names = embedded.post("SELECT name FROM system.tables WHERE database IN ('system', 'information_schema')").text.split("\n")
    unlimited = {"numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "generate_series", "generateSeries"}
    seen = 0
    for name in filter(None, set(names) - unlimited):
        got = embedded.post(f"SELECT * FROM system.`{name}` LIMIT 5000 FORMAT TabSeparatedRaw", role="analyst")
        seen += got.status_code == 200
        assert not [secret for secret in secrets if secret in got.text], name
    assert seen > 50


@pytest.mark.parametrize("table", ["query_log", "users", "session_log", "text_log", "grants"])
def test_logs_and_users_are_not_shown(embedded: Warehouse, table: str) -> None:
    assert embedded.post(f"SELECT * FROM system.{table}", role="analyst").status_code >= 400


def test_the_configuration_names_no_password_and_is_nobody_else_s(embedded: Warehouse) -> None:
    root = embedded.settings.home / "warehouse"
    assert root.stat().st_mode & 0o077 == 0
    for path in (root / "config.xml", root / "users.xml"):
        assert all(embedded.login(role)[1] not in path.read_text() for role in ROLES)


@pytest.mark.parametrize("argument", ["{{'paceline.{t}': 'id = 0'}}", "{{'{t}': '1'}}"])
def test_table_filters_of_a_request_can_only_narrow(embedded: Warehouse, table: str, argument: str) -> None:
    embedded.post(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    for source in (table, f"merge('paceline', '^{table}$')"):
        got = embedded.post(
            f"SELECT id FROM {source} ORDER BY id", role="analyst", additional_table_filters=argument.format(t=table)
        )
        assert set(got.text.split()) <= {"1", "2"}


def test_merge_reads_tables_of_this_warehouse_and_changes_none(embedded: Warehouse, table: str) -> None:
    embedded.post(f"INSERT INTO {table} VALUES (1, 'a')")
    assert embedded.post(f"SELECT id FROM merge('paceline', '^{table}$')", role="analyst").text == "1\n"
    for role in ROLES:
        got = embedded.post(f"INSERT INTO FUNCTION merge('paceline', '^{table}$') VALUES (2, 'b')", role=role)
        assert got.status_code >= 400
    assert embedded.post(f"SELECT count() FROM {table}").text == "1\n"


def test_words_that_are_only_text_are_not_refused(embedded: Warehouse) -> None:
    sql = "SELECT 'file(1) \\' Python(x)' AS profile, 'executable' AS file_name, $$ text $$ -- a file"
    got = embedded.post(f"{sql}\nFORMAT JSONCompactEachRow", role="reader")
    assert json.loads(got.content) == ["file(1) ' Python(x)", "executable", " text "]


def test_backups_stay_in_their_folder_and_can_be_restored(embedded: Warehouse, table: str) -> None:
    embedded.post(f"INSERT INTO {table} VALUES (1, 'a')")
    made = embedded.post(f"BACKUP TABLE {table} TO Disk('backups', '{table}.tar.zst')")
    assert made.status_code == 200, made.text
    assert (embedded.settings.home / "warehouse" / "backups" / f"{table}.tar.zst").is_file()
    embedded.post(f"DROP TABLE {table} SYNC")
    back = embedded.post(f"RESTORE TABLE {table} FROM Disk('backups', '{table}.tar.zst')")
    assert back.status_code == 200, back.text
    assert embedded.post(f"SELECT * FROM {table}").text == "1\ta\n"
