"""The ten questions on the demo's club, the views' meaning, and the notebook: what docs say about them is so."""

import json
import re
from pathlib import Path

import pytest

from infra.analyst.asking import Analyst
from infra.analyst.connection_text import connection_text
from infra.analyst.views import UNITS, View, read_views, renewed
from infra.settings import Settings
from infra.warehouse import open_client
from schemas.tables import TABLES
from tests.questions import club
from tests.questions.answers import MANY, PAGE, Question, documented, questions, table
from tests.questions.notebook import NOTEBOOK, as_run, environment_of
from tests.running import ROOT

ANALYST_PAGE = ROOT / "docs" / "analyst.md"


@pytest.fixture(scope="module")
def analyst(the_club: Settings) -> Analyst:
    return Analyst(the_club)


@pytest.fixture(scope="module")
def views(analyst: Analyst) -> tuple[View, ...]:
    return read_views(analyst)


def test_there_are_ten_questions() -> None:
    assert len(questions()) == 10


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.file.stem)
def test_the_documented_answer_is_the_answer(analyst: Analyst, question: Question) -> None:
    found = table(analyst.ask(question.sql, question.values, at_most=MANY))
    told = documented(question, PAGE.read_text())
    assert found[0] == told[0]
    assert len(found) == len(told) > 1
    for ours, theirs in zip(found, told, strict=True):
        assert all(same(a, b) for a, b in zip(ours, theirs, strict=True)), f"{ours} is documented as {theirs}: make questions"


def same(found: str, told: str) -> bool:
    """Numbers may differ by one in their last place, where processors round differently."""
    numbers = re.compile(r"-?\d+\.\d+|-?\d+")
    if numbers.sub("#", found) != numbers.sub("#", told):
        return False
    if "#-#" in numbers.sub("#", told).replace("##", "#-#"):  # a date
        return found == told
    pairs = zip(numbers.findall(found), numbers.findall(told), strict=True)
    return all(abs(float(a) - float(b)) <= 1.01 * 10 ** -len(b.partition(".")[2]) for a, b in pairs)


def test_documented_numbers_are_compared_to_their_last_place() -> None:
    assert same("12.3", "12.4")
    assert not same("12.3", "12.5")
    assert same("[1.0, 2.0]", "[1.0, 2.1]")
    assert not same("NULL", "1.0")
    assert not same("2026-09-07 06:30:00", "2026-09-07 06:31:00")


def test_every_table_has_a_view_and_every_column_of_every_view_says_what_it_is_and_in_which_unit(views) -> None:
    assert {table.view for table in TABLES} == {view.name for view in views}
    assert [view.name for view in views if not view.purpose] == []
    unclear = [f"{c.view}.{c.name}" for view in views for c in view.columns if not c.meaning or c.unit not in UNITS]
    assert unclear == [], "a comment is 'what it is [unit]', with a unit of infra/analyst/views.py"


UNIT_OF_SUFFIX = {
    "_bpm": "bpm",
    "_watts": "W",
    "_rpm": "rpm",
    "_mps": "m/s",
    "_kcal": "kcal",
    "_ms": "ms",
    "_s": "s",
    "_at": "UTC",
}


def test_units_are_those_of_the_names(views: tuple[View, ...]) -> None:
    checked = 0
    for column in (column for view in views for column in view.columns):
        for suffix, unit in UNIT_OF_SUFFIX.items():
            if column.name.endswith(suffix):
                checked += 1
                assert column.unit == unit, column
    assert checked >= 25


def test_the_analysts_page_has_the_views_as_the_warehouse_has_them(views: tuple[View, ...]) -> None:
    written = ANALYST_PAGE.read_text()
    assert renewed(written, views) == written, "paceline views --write docs/analyst.md"
    assert [unit for unit in UNITS if f"| {unit} |" not in written] == []


def test_the_analyst_changes_nothing(the_club: Settings) -> None:
    for sql in ("TRUNCATE TABLE alerts", "INSERT INTO alerts (rule) VALUES ('x')", "CREATE TABLE t (a UInt8) ENGINE = Memory"):
        with open_client(the_club, "analyst") as client, pytest.raises(Exception, match=r"READONLY|ACCESS_DENIED"):
            client.command(sql)


def test_the_python_line_of_the_connection_connects(the_club: Settings) -> None:
    told = connection_text(the_club, with_password=True)
    line = next(line for line in told.splitlines() if line.startswith("Python"))
    namespace: dict[str, object] = {}
    exec("import clickhouse_connect\nfound = " + line.removeprefix("Python").strip(), namespace)
    assert namespace["found"].query("SELECT count() FROM v_class_summaries").first_row == (len(club.HELD),)  # type: ignore[attr-defined]


def test_the_notebook_runs_and_shows_what_it_has_stored(the_club: Settings) -> None:
    stored = json.loads(NOTEBOOK.read_text())
    run = as_run(stored, environment_of(the_club))
    found, told = outputs(run), outputs(stored)
    assert len(found) == len(told) >= 4
    assert [(a, b) for a, b in zip(found, told, strict=True) if not same(a, b)] == [], "make questions"


def outputs(notebook: dict) -> list[str]:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    texts = ("".join(out.get("text") or out["data"]["text/plain"]) for cell in cells for out in cell["outputs"])
    return [line for text in texts for line in text.splitlines()]


def test_the_notebook_names_no_password() -> None:
    assert "password=" not in re.sub(r"password=os\.environ\[\"\w+\"\]", "", Path(NOTEBOOK).read_text().replace('\\"', '"'))
