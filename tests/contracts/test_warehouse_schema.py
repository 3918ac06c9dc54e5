"""The migrations make the tables that the registry names, every column explained, and may be applied again."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from infra.migrate import migrate_warehouse
from infra.warehouse import insert_rows
from pipelines.arrow_schemas import SCHEMAS, rows_of
from schemas.tables import MIGRATIONS, TABLES, TELEMETRY_1S, Table
from tests.contracts.warehouses import Warehouse


def _rows(warehouse: Warehouse, sql: str) -> list[list[object]]:
    got = warehouse.post(f"{sql} FORMAT JSONCompactEachRow", role="reader" if warehouse.embedded else "writer")
    assert got.status_code == 200, got.text
    return [json.loads(line) for line in got.text.splitlines()]


def test_applying_the_migrations_again_changes_nothing(warehouse: Warehouse) -> None:
    asked = (
        "SELECT name, create_table_query FROM system.tables "
        f"WHERE database = '{warehouse.database}' AND name NOT LIKE 'contract%' ORDER BY name"
    )
    before = _rows(warehouse, asked)
    migrate_warehouse(warehouse.settings)
    assert _rows(warehouse, asked) == before
    applied = _rows(warehouse, "SELECT count() FROM schema_versions")
    assert applied == [[len(list(MIGRATIONS.glob("*.sql")))]] or applied == [[str(len(list(MIGRATIONS.glob("*.sql"))))]]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_and_its_view_have_the_same_columns_all_explained(warehouse: Warehouse, table: Table) -> None:
    columns = {
        name: _rows(
            warehouse,
            f"SELECT name, type, comment FROM system.columns WHERE database = '{warehouse.database}' AND table = '{name}'",
        )
        for name in (table.name, table.view)
    }
    assert columns[table.name]
    assert [column[:2] for column in columns[table.name]] == [column[:2] for column in columns[table.view]]
    assert not [name for name, _, comment in columns[table.name] if not comment]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_reader_and_the_analyst_see_every_view(warehouse: Warehouse, table: Table) -> None:
    for role in ("reader", "analyst"):
        assert warehouse.post(f"SELECT * FROM {table.view} LIMIT 1", role=role).status_code == 200


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_makes_one_of_rows_with_its_key(warehouse: Warehouse, table: Table) -> None:
    asked = f"SELECT engine FROM system.tables WHERE database = '{warehouse.database}' AND name = '{table.name}'"
    assert _rows(warehouse, asked)[0][0] in {"ReplacingMergeTree", "AggregatingMergeTree"}
    asked = f"SELECT as_select FROM system.tables WHERE database = '{warehouse.database}' AND name = '{table.view}'"
    assert str(_rows(warehouse, asked)[0][0]).endswith(f"{table.name} FINAL")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_drops_repeated_insert_tokens(warehouse: Warehouse, table: Table) -> None:
    asked = f"SELECT create_table_query FROM system.tables WHERE database = '{warehouse.database}' AND name = '{table.name}'"
    [[made]] = _rows(warehouse, asked)
    assert "non_replicated_deduplication_window = 10000" in str(made)


def test_a_block_that_got_in_more_than_once_leaves_the_newest_values(warehouse: Warehouse) -> None:
    """`first` was repeated because nobody knew whether it had got in; then a flow that died makes both anew, cut otherwise."""
    start_s = int(datetime(2026, 11, 1, 10, tzinfo=UTC).timestamp())
    same = {
        "member_id": 77778,
        "session_id": "0b8ff2f4-0000-4000-8000-000000000001",
        "class_id": 5,
        "device": "d",
        "source": "s",
    }

    def block(*values: tuple[int, int | None, int | None]) -> pa.Table:
        empty = dict.fromkeys(SCHEMAS[TELEMETRY_1S].names)
        told = [{"ts": start_s + second, "heart_rate_bpm": bpm, "power_watts": watts} for second, bpm, watts in values]
        return rows_of(TELEMETRY_1S, [{**empty, **same, **one} for one in told])

    a, b, c, d = (1, 150, None), (1, None, 230), (1, 151, None), (2, 152, 240)
    first, second = block(a, b), block(c, d)
    asked = f"SELECT heart_rate_bpm, power_watts FROM {TELEMETRY_1S.view} WHERE member_id = 77778 ORDER BY ts"
    with warehouse.client() as client:
        for blocks in ((first, first, second), (block(a), block(b, c), block(d))):
            for rows in blocks:
                insert_rows(client, TELEMETRY_1S, rows)
            assert _rows(warehouse, asked) == [[151, 230], [152, 240]]
        client.command(f"OPTIMIZE TABLE {TELEMETRY_1S.name} FINAL")
        assert _rows(warehouse, asked) == [[151, 230], [152, 240]]
        client.command(f"DELETE FROM {TELEMETRY_1S.name} WHERE member_id = 77778")


def test_strap_and_power_meter_meet_in_one_row(warehouse: Warehouse) -> None:
    key = "77777, '0b8ff2f4-0000-4000-8000-000000000001', 5, '2026-11-01 10:00:00'"
    columns = "member_id, session_id, class_id, ts"
    for values in (f"(heart_rate_bpm, {columns}) VALUES (151, {key})", f"(power_watts, {columns}) VALUES (230, {key})"):
        got = warehouse.post(f"INSERT INTO telemetry_1s {values}")
        assert got.status_code == 200, got.text
    found = _rows(warehouse, "SELECT heart_rate_bpm, power_watts FROM v_telemetry_1s WHERE member_id = 77777")
    assert found == [[151, 230]]
    warehouse.post("DELETE FROM telemetry_1s WHERE member_id = 77777")
