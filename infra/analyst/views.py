"""What the views hold: every column with its type, its meaning and its unit, as the warehouse itself says it."""

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from infra.analyst.asking import Analyst
from infra.errors import PacelineError

COMMENT = re.compile(r"^(?P<meaning>.*\S) \[(?P<unit>[^\[\]]+)\]$")
UNITS = {
    "id": "an identifier",
    "text": "words",
    "JSON": "a JSON document",
    "yes/no": "true or false",
    "UTC": "a moment in UTC",
    "day": "a day in UTC",
    "count": "how many",
    "bpm": "beats a minute",
    "W": "watts",
    "rpm": "turns a minute",
    "m/s": "metres a second",
    "m": "metres",
    "s": "seconds",
    "ms": "milliseconds",
    "kcal": "kilocalories",
    "points": "effort points: minutes weighted by zone",
    "TRIMP": "Banister's training impulse",
    "0–10": "a score from 0 to 10",
    "by metric": "the unit that the row's metric names",
}
"""Every unit that a column may have."""
BEGIN, END = "<!-- views -->", "<!-- end of views -->"
SQL = """SELECT table, name, type, comment FROM system.columns
WHERE database = currentDatabase() AND startsWith(table, 'v_') ORDER BY table, position"""
SQL_VIEWS = "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'v_')"
MANY = 100_000


@dataclass(frozen=True)
class Column:
    """A column of a view. `unit` is a key of UNITS, or empty when the warehouse does not know it."""

    view: str
    name: str
    type: str
    meaning: str
    unit: str


@dataclass(frozen=True)
class View:
    """A view, as readers name it."""

    name: str
    purpose: str
    columns: tuple[Column, ...]


def read_views(analyst: Analyst) -> tuple[View, ...]:
    """All views, by name; the columns in their order."""
    purposes = dict(analyst.ask(SQL_VIEWS, at_most=MANY).rows)
    columns = [_column(*row) for row in analyst.ask(SQL, at_most=MANY).rows]
    return tuple(View(name, purposes[name], tuple(found)) for name, found in groupby(columns, key=lambda column: column.view))


def one_view(views: tuple[View, ...], name: str) -> View:
    """The view of that name, with or without its v_."""
    for view in views:
        if view.name in {name, f"v_{name}"}:
            return view
    raise PacelineError(f"There is no view {name}", f"Choose from {', '.join(view.name for view in views)}.")


def page(views: tuple[View, ...]) -> str:
    """All of them in Markdown."""
    parts = []
    for view in views:
        rows = [f"| `{c.name}` | {c.type} | {c.meaning} | {c.unit} |" for c in view.columns]
        parts.append(
            "\n".join(
                [
                    f"### {view.name}",
                    "",
                    f"{view.purpose}.",
                    "",
                    "| column | type | what it is | unit |",
                    "|---|---|---|---|",
                    *rows,
                ]
            )
        )
    return "\n\n".join(parts)


def renewed(document: str, views: tuple[View, ...]) -> str:
    """The document with what stands between the two marks written anew."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise PacelineError("The document has no place for the views", f"Put the lines {BEGIN} and {END} into it.")
    return f"{before}{begin}\n\n{page(views)}\n\n{end}{after}"


def write_page(file: Path, views: tuple[View, ...]) -> bool:
    """Renew a document; returns whether it changed."""
    if not file.is_file():
        raise PacelineError(f"There is no file {file}", "Name a Markdown file with the two marks, such as docs/analyst.md.")
    old = file.read_text()
    new = renewed(old, views)
    file.write_text(new)
    return new != old


def _column(view: str, name: str, kind: str, comment: str) -> Column:
    found = COMMENT.match(comment)
    return Column(view, name, _plain(kind), found["meaning"] if found else comment, found["unit"] if found else "")


def _plain(kind: str) -> str:
    """The type without how it is stored."""
    kind = re.sub(r"SimpleAggregateFunction\(\w+, (.*)\)$", r"\1", kind)
    return re.sub(r"LowCardinality\((\w+)\)", r"\1", kind)
