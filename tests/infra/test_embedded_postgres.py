"""PostgreSQL as our child: durable, reachable by one socket and by us only."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.embedded.postgres import EmbeddedPostgres
from infra.errors import PacelineError
from infra.postgres import open_connection
from infra.settings import Settings
from tests.running import running, settings_in, temporary_home


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@contextmanager
def postgres_in(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    server = EmbeddedPostgres(settings.home, settings.postgres_socket_dir)
    server.prepare()
    with running(server.launch(), server.ready, settings.home / "postgres.log", stop=signal.SIGINT) as process:
        yield process


def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    settings = settings_in(home)
    with postgres_in(settings) as process:
        with open_connection(settings) as connection:
            connection.execute("CREATE TABLE kept (number int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        process.kill()
        process.wait()
    with postgres_in(settings), open_connection(settings) as connection:
        assert connection.execute(
            "SELECT count(*), current_setting('server_version_num')::int / 10000 FROM kept"
        ).fetchone() == (
            1000,
            18,
        )


def test_it_opens_no_port_and_lets_no_other_role_in(home: Path) -> None:
    settings = settings_in(home)
    with postgres_in(settings) as process:
        assert psutil.Process(process.pid).net_connections("inet") == []
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            psycopg.connect(host=str(settings.postgres_socket_dir), user="postgres", dbname="postgres")


@pytest.mark.parametrize("name", ["deep" * 30, "Zoë, 50% home"])
def test_a_home_too_deep_or_too_odd_for_a_socket_gets_a_short_private_folder(home: Path, name: str) -> None:
    settings = settings_in(home / name)
    folder = settings.postgres_socket_dir
    assert len(str(folder)) < 80
    try:
        with postgres_in(settings), open_connection(settings) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert folder.stat().st_mode & 0o077 == 0
    finally:
        folder.rmdir()


def test_a_link_in_place_of_its_folder_is_refused(home: Path) -> None:
    settings = settings_in(home)
    (home / "postgres").symlink_to("/")
    with pytest.raises(PacelineError, match="is a link"):
        EmbeddedPostgres(home, settings.postgres_socket_dir).prepare()


def test_data_of_another_release_are_not_touched(home: Path) -> None:
    settings = settings_in(home)
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PacelineError, match="written by PostgreSQL 15"):
        EmbeddedPostgres(home, settings.postgres_socket_dir).prepare()
