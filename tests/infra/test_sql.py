"""`paceline sql` and `paceline views`: connection, answers in each format, refusals in sentences, the prompt."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console
from typer.testing import CliRunner

from infra.analyst.asking import Analyst
from infra.analyst.completion import Names
from infra.analyst.prompt import converse, is_complete, session
from infra.analyst.views import read_views
from infra.cli import build
from infra.errors import PacelineError
from infra.settings import Settings, child_environment
from infra.warehouse import open_client
from tests.running import free_ports, settings_in, temporary_home

MEMBER = 7_300_001
VALUES = f"SELECT member_id, ts, heart_rate_bpm, power_watts FROM v_telemetry_1s WHERE member_id = {MEMBER} ORDER BY ts"


@pytest.fixture(scope="module")
def told(warehouse_only: Settings) -> Settings:
    """A warehouse with two seconds of a member."""
    columns = "member_id, session_id, class_id, ts, heart_rate_bpm, power_watts, device, source"
    rows = ", ".join(
        f"({MEMBER}, '00000000-0000-4000-8000-000000000073', 1, '2026-09-01 10:00:0{n}', 14{n}, {power}, 'd', 's')"
        for n, power in ((0, "NULL"), (1, "200"))
    )
    with open_client(warehouse_only, "writer") as client:
        client.command(f"INSERT INTO telemetry_1s ({columns}) VALUES {rows}")
    return warehouse_only


class Run:
    """One command, with what it printed."""

    def __init__(self, settings: Settings, *arguments: str, stdin: str = "") -> None:
        environment = child_environment(settings) | {"COLUMNS": "200"}
        self.result = CliRunner().invoke(build(), list(arguments), env=environment, input=stdin)
        self.printed = self.result.stdout

    @property
    def refusal(self) -> PacelineError:
        assert isinstance(self.result.exception, PacelineError), self.result.output
        return self.result.exception


def test_without_a_question_it_says_how_to_connect_and_keeps_the_password(told: Settings) -> None:
    printed = Run(told, "sql").printed
    assert f"http://127.0.0.1:{told.clickhouse_port}/paceline" in printed
    assert "analyst" in printed
    assert told.clickhouse_analyst_password.get_secret_value() not in printed
    assert told.clickhouse_analyst_password.get_secret_value() in Run(told, "sql", "--show-password").printed


def test_a_table_shows_numbers_texts_and_what_is_missing(told: Settings) -> None:
    lines = Run(told, "sql", VALUES).printed.splitlines()
    assert "│   7300001 │ 2026-09-01 10:00:00 │            140 │        NULL │" in lines
    assert "│   7300001 │ 2026-09-01 10:00:01 │            141 │         200 │" in lines


def test_formats_for_programs_have_the_same_rows(told: Settings, tmp_path: Path) -> None:
    text = Run(told, "sql", VALUES, "--format", "csv").printed
    assert [row["power_watts"] for row in csv.DictReader(io.StringIO(text))] == [r"\N", "200"]
    rows = json.loads(Run(told, "sql", VALUES, "--format", "json").printed)
    assert [(row["heart_rate_bpm"], row["power_watts"]) for row in rows] == [(140, None), (141, 200)]
    assert json.loads(Run(told, "sql", "SELECT 1 WHERE 0", "--format", "json").printed) == []
    file = tmp_path / "seconds.arrow"
    Run(told, "sql", VALUES, "--format", "arrow-file", "--output", str(file))
    assert pl.read_ipc(file)["heart_rate_bpm"].to_list() == [140, 141]


def test_json_of_many_blocks_is_one_array(told: Settings) -> None:
    sql = "SELECT number, repeat('x', 50) AS text FROM numbers(200000)"
    rows = json.loads(Run(told, "sql", sql, "--format", "json").printed)
    assert [row["number"] for row in rows] == list(range(200_000))


def test_a_long_table_is_cut_and_says_so(told: Settings) -> None:
    run = Run(told, "sql", "SELECT number FROM numbers(50000)")
    assert run.printed.count("\n") < 1_010
    assert "The first 1,000 rows" in run.result.stderr


def test_a_question_comes_from_a_file_or_another_program_with_its_values(told: Settings, tmp_path: Path) -> None:
    file = tmp_path / "question.sql"
    file.write_text("-- Which?\nSELECT {member:UInt64} + 1 AS next;\n")
    arguments = ("--param", f"member={MEMBER}", "--format", "csv")
    assert Run(told, "sql", "--file", str(file), *arguments).printed == '"next"\n7300002\n'
    assert Run(told, "sql", *arguments, stdin=file.read_text()).printed == '"next"\n7300002\n'


@pytest.mark.parametrize(
    ("arguments", "says", "remedy"),
    [
        (["selec 1"], "Syntax error", "ClickHouse's SQL"),
        (["SELECT nope FROM v_alerts"], "`nope`", "paceline views"),
        (["SELECT * FROM v_nope"], "v_nope", "paceline views"),
        (["TRUNCATE TABLE alerts"], "readonly", "reads and changes"),
        (["SELECT {a:UInt8}"], "`a` is not set", "--param"),
        (["SELECT {a:UInt8}", "--param", "a=x"], "cannot be parsed", "--param"),
        (["SELECT 1; SELECT 2"], "Multi-statements", "One question"),
        (["SELECT 1", "--format", "xml"], "'xml'", "arrow-file"),
        (["SELECT 1", "--param", "a"], "--param a", "name=value"),
        (["SELECT 1", "--file", "x.sql"], "two questions", "one of them"),
        (["--file", "/nowhere/x.sql"], "/nowhere/x.sql", "Name a file"),
        (["SELECT 1", "--output", "/nowhere/x"], "/nowhere/x", "another file"),
        (["SELECT throwIf(number = 300000) FROM numbers(1000000)", "--format", "csv"], "throwIf", "ask again"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_a_remedy(told: Settings, arguments: list[str], says: str, remedy: str) -> None:
    refusal = Run(told, "sql", *arguments).refusal
    assert says in refusal.problem
    assert remedy in refusal.remedy
    assert not any(noise in refusal.problem for noise in ("DB::Exception", "for url", "Code:", "FORMAT Native"))


def test_a_warehouse_that_is_away_is_named_with_its_address() -> None:
    with temporary_home() as home:
        settings = settings_in(home, clickhouse_port=free_ports(1)[0])
        for command in (["sql", "SELECT 1"], ["views"]):
            refusal = Run(settings, *command).refusal
            assert str(settings.clickhouse_port) in refusal.problem
            assert "paceline up" in refusal.remedy


def test_a_wrong_password_is_said_to_be_that(told: Settings) -> None:
    wrong = told.model_copy(update={"clickhouse_analyst_user": "nobody_here"})
    assert "nobody_here" in Run(wrong, "sql", "SELECT 1").refusal.problem


def test_views_are_listed_and_one_is_explained(told: Settings) -> None:
    assert "v_member_summaries" in Run(told, "views").printed
    printed = Run(told, "views", "telemetry_1s").printed
    assert any("power_watts" in line and " W " in line for line in printed.splitlines())
    assert "v_alerts" in Run(told, "views", "nope").refusal.remedy


def test_enter_sends_a_question_only_when_it_is_complete() -> None:
    assert [is_complete(text) for text in ("SELECT 1", "SELECT 1;", "exit", "views", "", "SELECT\n1 ;")] == [
        False,
        True,
        True,
        True,
        True,
        True,
    ]


@contextmanager
def keyboard() -> Iterator[PipeInput]:
    with create_pipe_input() as keys:
        yield keys


def talk(settings: Settings, typed: str, history: Path | None = None) -> str:
    """What stands on the screen after these keys."""
    console = Console(file=io.StringIO(), width=120)
    with keyboard() as keys:
        keys.send_text(typed)
        converse(Analyst(settings), console, lambda views: session(views, history, keys=keys, screen=DummyOutput()))
    return console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_the_prompt_answers_over_several_lines_and_survives_mistakes(told: Settings) -> None:
    shown = talk(told, "SELECT 40\r + 2 AS two;\rSELECT nope;\rviews alerts;\rviews\rhelp\rexit\r")
    assert "│  42 │" in shown
    assert "Error: Unknown expression identifier `nope`" in shown
    assert "acknowledged_by" in shown
    assert "v_class_summaries" in shown


def test_tab_offers_views_and_the_columns_of_the_one_that_is_named(told: Settings) -> None:
    names = Names(read_views(Analyst(told)))

    def offered(before: str, after: str = "") -> list[str]:
        document = Document(before + after, len(before))
        return [found.text for found in names.get_completions(document, CompleteEvent(completion_requested=True))]

    assert offered("SELECT * FROM v_telemetry_1") == ["v_telemetry_1s"]
    assert offered("SELECT heart_rate_", " FROM v_telemetry_1s") == ["heart_rate_bpm"]
    assert set(offered("SELECT heart_rate_")) > {"heart_rate_bpm", "heart_rate_avg_bpm"}
    assert offered("sel") == ["SELECT"]


def test_the_history_lasts_and_is_nobody_elses(told: Settings, tmp_path: Path) -> None:
    history = tmp_path / "history"
    talk(told, "SELECT 11 AS kept;\rexit\r", history)
    assert "SELECT 11 AS kept;" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
    assert "│   11 │" in talk(told, "\x1b[A\x1b[A\rexit\r", history)
