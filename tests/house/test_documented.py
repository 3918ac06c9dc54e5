"""What has a name has an explanation: settings, topics, tables, metrics, commands."""

import re
from pathlib import Path

import pytest
import typer.main
from prometheus_client.metrics import MetricWrapperBase

from infra.cli import build
from infra.settings import Settings
from infra.telemetry import metrics
from schemas.tables import MIGRATIONS, TABLES
from schemas.topics import TOPICS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is(name: str) -> None:
    assert Settings.model_fields[name].description, f"PACELINE_{name.upper()} has no description"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_every_topic_says_its_purpose_and_key(topic) -> None:
    assert topic.purpose
    assert topic.key


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_column_of_every_table_has_a_comment(table) -> None:
    sql = "\n".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql")))
    body = re.search(rf"CREATE TABLE {table.name} \((.*?)\n\)\nENGINE", sql, re.DOTALL)
    assert body, f"no migration makes {table.name}"
    columns = [line.strip() for line in body.group(1).splitlines() if line.strip() and not line.strip().startswith("INDEX")]
    assert [column for column in columns if "COMMENT" not in column] == []
    assert f"CREATE VIEW {table.view} " in sql


def test_every_metric_explains_itself() -> None:
    found = {name: m for name, m in vars(metrics).items() if isinstance(m, MetricWrapperBase)}
    assert len(found) > 20
    assert [name for name, metric in found.items() if not metric._documentation] == []


def _commands(group: typer.main.TyperGroup, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, command in group.commands.items():
        if isinstance(command, typer.main.TyperGroup):
            found |= _commands(command, f"{prefix}{name} ")
        else:
            found[f"{prefix}{name}"] = command.help or ""
    return found


def test_every_command_has_help_and_the_readme_names_no_other() -> None:
    commands = _commands(typer.main.get_command(build()))
    assert [name for name, text in commands.items() if not text] == []
    known = {name.split()[0] for name in commands}
    named = set(re.findall(r"`paceline ([a-z][a-z-]*)", (ROOT / "README.md").read_text()))
    assert named <= known
