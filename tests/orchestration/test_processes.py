"""How Dagster is started: what is missing is said in words, passwords stay out of files and command lines, folders are ours."""

import sys
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from sqlalchemy import make_url

from infra.errors import PacelineError
from infra.postgres import schema_url
from infra.settings import Settings, load_settings
from orchestration.instance_folder import STORAGE_URL, InstanceFolder
from orchestration.processes import environment, stages

ADDRESS = "postgresql://user:p%40ss%20word@db.example:5433/club?sslmode=require&options=-c%20statement_timeout%3D5s"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "a home, with signs", postgres=SecretStr(ADDRESS))


def test_without_the_extra_it_says_how_to_install_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster_webserver", None)
    with pytest.raises(PacelineError) as refusal:
        stages(settings)
    assert "dagster_webserver missing" in refusal.value.problem
    assert "make extras" in refusal.value.remedy
    assert "paceline[orchestrate]" in refusal.value.remedy


def test_the_code_server_is_first_then_pages_and_daemon(settings: Settings) -> None:
    names = [[child.name for child in stage.children] for stage in stages(settings)]
    assert names == [["dagster-code"], ["dagster-web", "dagster-daemon"]]


def test_the_databases_password_is_in_no_file_and_no_command(settings: Settings) -> None:
    folder = InstanceFolder(settings)
    folder.make()
    commands = [" ".join(child.launch().command) for stage in stages(settings) for child in stage.children]
    files = [path.read_text() for path in folder.home.iterdir()]
    assert not [text for text in (*commands, *files) if "ss word" in text or "p%40ss" in text]
    assert "p%40ss" in environment(settings, folder)[STORAGE_URL]
    written = yaml.safe_load((folder.home / "dagster.yaml").read_text())
    assert written["telemetry"] == {"enabled": False}
    assert written["local_artifact_storage"]["config"]["base_dir"] == str(folder.home)
    told = yaml.safe_load(folder.workspace.read_text())["load_from"][0]["grpc_server"]
    assert told["socket"] == str(folder.code_socket)
    assert "," not in told["socket"], "signs that mean something in an address lead elsewhere"


def test_the_schema_has_the_servers_address_and_a_search_path_of_its_own(settings: Settings) -> None:
    url = make_url(schema_url(settings, "dagster", "psycopg2"))
    assert url.drivername == "postgresql+psycopg2"
    assert dict(url.query) == {
        "host": "db.example",
        "port": "5433",
        "user": "user",
        "password": "p@ss word",
        "dbname": "club",
        "sslmode": "require",
        "options": "-c statement_timeout=5s -c search_path=dagster",
    }


def test_a_folder_that_is_a_link_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    settings.home.mkdir()
    (settings.home / "dagster").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PacelineError, match="is a link"):
        InstanceFolder(settings).make()
