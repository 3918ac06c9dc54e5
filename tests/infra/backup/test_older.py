"""A backup that an older program made comes back in the shape it was taken in, and then in ours."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.backup import warehouse_rows
from infra.backup.archive import FORMAT, Archive, Manifest, new_archive
from infra.backup.bring_back import check
from infra.embedded.launch import Launch
from infra.errors import PacelineError
from infra.migrate import migrate_warehouse, newest_warehouse_version
from infra.settings import Settings, child_environment
from infra.warehouse import open_client
from tests.infra.backup.test_archive import silent
from tests.running import answers, running, settings_in, temporary_home

SESSION = "5f31d6ca-fa63-4dd6-a6bf-1406d2965913"
OLDER = 3


@pytest.fixture
def empty_warehouse() -> Iterator[Settings]:
    """A warehouse of its own, without tables."""
    with temporary_home() as home:
        settings = settings_in(home)
        launch = Launch([sys.executable, "-m", "infra.cli", "warehouse", "serve"], child_environment(settings), home)
        with running(launch, lambda: answers(f"http://127.0.0.1:{settings.clickhouse_port}/ping"), home / "warehouse.log"):
            yield settings


def test_rows_of_an_older_shape_are_migrated_after_they_came_back(empty_warehouse: Settings, tmp_path: Path) -> None:
    migrate_warehouse(empty_warehouse, OLDER)
    with open_client(empty_warehouse, "writer") as client:
        client.command(
            "INSERT INTO telemetry_1s (member_id, session_id, class_id, ts, heart_rate_bpm, device, source)"
            f" VALUES (7, '{SESSION}', 5, '2026-03-01 10:00:00', 140, 'd', 's')"
        )
        before = client.query("SELECT * FROM v_telemetry_1s").result_rows
        archive = _backup(empty_warehouse, tmp_path / "copy")
        for (name,) in client.query("SHOW TABLES").result_rows:
            client.command(f"DROP TABLE {name}")
        migrate_warehouse(empty_warehouse, archive.manifest.warehouse_version)
        assert "Coalescing" in client.command("SELECT engine FROM system.tables WHERE name = 'telemetry_1s'")
        warehouse_rows.restore(empty_warehouse, archive, silent)
        assert warehouse_rows.filled(empty_warehouse) == ["telemetry_1s"]
        migrate_warehouse(empty_warehouse)
        assert "Aggregating" in client.command("SELECT engine FROM system.tables WHERE name = 'telemetry_1s'")
        assert client.query("SELECT * FROM v_telemetry_1s").result_rows == before != []


def _backup(settings: Settings, target: Path) -> Archive:
    with new_archive(target) as (archive, end):
        found = warehouse_rows.export(settings, archive, silent)
        assert found == OLDER
        end(Manifest(FORMAT, "0.0.1", 1_000, 2_000, "0001", found, (), archive.records()))
    return Archive(target)


def test_a_backup_of_a_newer_program_is_left_to_it(tmp_path: Path) -> None:
    with new_archive(tmp_path / "copy") as (_archive, end):
        end(Manifest(FORMAT, "9.0.0", 1_000, 2_000, "0099", newest_warehouse_version() + 1, (), {}))
    with pytest.raises(PacelineError, match=r"made by a newer Paceline \(9\.0\.0\)"):
        check(Archive(tmp_path / "copy"), silent)
