"""The analyst's questions on a short history, and that a warehouse of before keeps its seconds."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster

from infra.migrate import migrate_warehouse
from infra.settings import Settings
from infra.warehouse import connection, open_client
from schemas.tables import MIGRATIONS
from tests.bench import history
from tests.bench.warehouse import QUESTIONS
from tests.contracts.warehouses import embedded_warehouse
from tests.running import settings_in, temporary_home

FILES = sorted(QUESTIONS.glob("*.sql"))
SESSION = 1
"""The history's second class: the first with power."""
ROWS = 2 * history.SESSION_ROWS


@pytest.fixture(scope="module")
def long_used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A warehouse whose seconds were written before the last migrations came."""
    old = tmp_path_factory.mktemp("migrations")
    for file in sorted(MIGRATIONS.glob("*.sql"))[:3]:
        (old / file.name).write_bytes(file.read_bytes())
    with temporary_home() as home:
        settings = settings_in(home)
        with embedded_warehouse(settings):
            _migrate(settings, old)
            with open_client(settings, "writer") as client:
                for _written in history.write_seconds(client, ROWS):
                    pass
            migrate_warehouse(settings)
            with open_client(settings, "writer") as client:
                history.write_results(client)
            yield settings


def test_seconds_survive_their_change_of_engine(long_used: Settings) -> None:
    with open_client(long_used, "reader") as client:
        engine = client.query("SELECT engine FROM system.tables WHERE name = 'telemetry_1s'").first_row[0]
        rows, members = client.query("SELECT count(), uniqExact(member_id) FROM v_telemetry_1s").first_row
    assert engine == "AggregatingMergeTree"
    assert (rows, members) == (ROWS, 2 * history.CLASS_SIZE)


def test_a_second_keeps_the_newest_of_each_value_whatever_comes_with_it(long_used: Settings) -> None:
    key = "9000001, '00000000-0000-4000-8000-000000000009', 1, '2026-09-01 10:00:00'"
    columns = "member_id, session_id, class_id, ts, heart_rate_bpm, power_watts, device, source"
    with open_client(long_used, "writer") as client:
        for values in ("140, NULL", "NULL, 200", "141, NULL"):
            client.command(
                f"INSERT INTO telemetry_1s ({columns}) SETTINGS optimize_on_insert = 0 VALUES ({key}, {values}, 'd', 's')"
            )
        found = "SELECT heart_rate_bpm, power_watts FROM v_telemetry_1s WHERE member_id = 9000001"
        assert client.query(found).result_rows == [(141, 200)]
        client.command("OPTIMIZE TABLE telemetry_1s PARTITION 202609 FINAL")
        assert client.query(found).result_rows == [(141, 200)]


def test_there_are_ten_questions() -> None:
    assert len(FILES) == 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_question_says_what_it_asks_and_the_analyst_gets_an_answer(long_used: Settings, file: Path) -> None:
    sql = file.read_text()
    asked = sql.splitlines()[0]
    assert asked.startswith("-- ")
    assert asked.endswith("?")
    values = {"member_id": history.member_of(SESSION, 7), "session_id": history.session_id(SESSION), "month": "2026-08-01"}
    assert set(re.findall(r"\{(\w+):", sql)) <= set(values)
    with open_client(long_used, "analyst") as client:
        answer = client.query(sql, parameters=values)
    assert answer.result_rows


def _migrate(settings: Settings, folder: Path) -> None:
    given = connection(settings, "writer")
    ClickhouseCluster(
        db_host=given["host"],
        db_port=str(given["port"]),
        db_user=given["username"],
        db_password=given["password"],
        driver="clickhouse-connect",
    ).migrate(given["database"], folder)
