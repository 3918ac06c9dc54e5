"""The page of the ten questions: each with its SQL file, the command that asks it, and its answer on the demo's club."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.analyst.answers import texts
from infra.analyst.asking import Analyst, Answer
from infra.migrate import migrate_warehouse
from infra.settings import Settings
from infra.warehouse import open_client
from tests.contracts.warehouses import embedded_warehouse
from tests.questions import club
from tests.running import ROOT

FOLDER = ROOT / "docs" / "questions"
PAGE = FOLDER / "README.md"
SHOWN_ROWS = 8
MANY = 10_000
HEAD = f"""# Ten questions

Each is a file of SQL for the views of [analyst.md](../analyst.md). The answers are those on the demo's club: six of its people
in five classes of September and October 2026, simulated with fixed seeds and taken through the flows. `make club` starts a
warehouse with exactly these data and opens `paceline sql` on it; `make questions` writes this page, and a test asks every
question again and compares.

In your own warehouse take your own ids: `SELECT session_id, class_name, started_at FROM v_class_summaries`
and `SELECT DISTINCT member_id, member_name FROM v_member_summaries`. Times are UTC. Tables show the first {SHOWN_ROWS} rows.
"""


@dataclass(frozen=True)
class Question:
    """One file. `values` are the parameters that it names."""

    file: Path

    @property
    def sql(self) -> str:
        return self.file.read_text()

    @property
    def asked(self) -> str:
        return self.sql.splitlines()[0].removeprefix("-- ")

    @property
    def values(self) -> dict[str, str]:
        return {name: club.ASKED[name] for name in dict.fromkeys(re.findall(r"\{(\w+):", self.sql))}

    @property
    def heading(self) -> str:
        return f"## {int(self.file.stem[:2])}. {self.asked}"


def questions() -> list[Question]:
    """In the order of their numbers."""
    return [Question(file) for file in sorted(FOLDER.glob("*.sql"))]


@contextmanager
def running_club(settings: Settings) -> Iterator[None]:
    """A warehouse that holds the club, made when it is not there yet."""
    with embedded_warehouse(settings):
        migrate_warehouse(settings)
        with open_client(settings, "writer") as client:
            if not club.is_loaded(client):
                club.load(client)
        yield


def table(answer: Answer) -> list[list[str]]:
    """Head and first rows as they stand on the page."""
    return [list(answer.names), *texts(answer)[:SHOWN_ROWS]]


def section(question: Question, answer: Answer) -> str:
    """One question with its answer."""
    values = "".join(f" --param {name}={value}" for name, value in question.values.items())
    head, *rows = table(answer)
    count = len(answer.rows)
    return "\n".join(
        [
            question.heading,
            "",
            f"```\npaceline sql --file docs/questions/{question.file.name}{values}\n```",
            "",
            _line(head),
            _line(["---"] * len(head)),
            *(_line(row) for row in rows),
            "",
            f"{count} rows in all." if count > SHOWN_ROWS else f"{count} row{'' if count == 1 else 's'}.",
        ]
    )


def page(analyst: Analyst) -> str:
    """The whole page, asked anew."""
    sections = [section(question, analyst.ask(question.sql, question.values, at_most=MANY)) for question in questions()]
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def documented(question: Question, document: str) -> list[list[str]]:
    """Head and rows that the page gives for a question."""
    _before, found, after = document.partition(question.heading + "\n")
    lines = [line for line in after.split("\n## ")[0].splitlines() if line.startswith("| ")] if found else []
    return [_cells(line) for number, line in enumerate(lines) if number != 1]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
