"""The study and the ordinary classes as the tables that `make accuracy` prints and docs/alerts.md shows."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from schemas.alerts import AlertRule
from tests.accuracy.ordinary import Calm
from tests.accuracy.truth import Tally, overall

BEGIN, END = "<!-- accuracy: written by make accuracy -->", "<!-- /accuracy -->"
ACCURACY_HEAD = (
    "rule",
    "excursions",
    "harmless",
    "told rightly",
    "missed",
    "false",
    "precision",
    "recall",
    "told after (median)",
)
CALM_HEAD = ("ordinary class", "members", "alerts", "per member and 10 min", "busiest member, any 10 min", "which")


def accuracy_rows(tallies: dict[AlertRule, Tally]) -> list[tuple[str, ...]]:
    """One row a rule, and one for all."""
    named: list[tuple[str, Tally]] = [(f"`{rule}`", tally) for rule, tally in tallies.items()]
    return [_accuracy_row(name, tally) for name, tally in [*named, ("**all**", overall(tallies))]]


def calm_rows(classes: Iterable[Calm]) -> list[tuple[str, ...]]:
    """One row a class."""
    return [
        (
            one.name,
            str(one.members),
            str(sum(one.by_rule.values())),
            f"{one.per_member_10_min:.2f}",
            str(one.busiest),
            ", ".join(f"{count} `{rule}`" for rule, count in sorted(one.by_rule.items())) or "none",
        )
        for one in classes
    ]


def as_markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what is not the first or the last column stands right."""
    cells = [tuple(head), *rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    rule = tuple("-" * (width - 1) + ("-" if at in {0, len(head) - 1} else ":") for at, width in enumerate(widths))
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    )


def tables(tallies: dict[AlertRule, Tally], classes: Iterable[Calm]) -> str:
    """Both tables."""
    return f"{as_markdown(ACCURACY_HEAD, accuracy_rows(tallies))}\n\n{as_markdown(CALM_HEAD, calm_rows(classes))}"


def put_into(document: Path, text: str) -> None:
    """Replace what stands between the marks."""
    before, rest = document.read_text().split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def shown_in(document: Path) -> str:
    """What stands between the marks."""
    return document.read_text().split(BEGIN)[1].split(END)[0].strip()


def _accuracy_row(name: str, tally: Tally) -> tuple[str, ...]:
    counts = (tally.excursions, tally.harmless, tally.right, tally.missed, tally.false)
    after = f"{median(tally.delays_s):.0f} s" if tally.delays_s else "–"
    return (name, *map(str, counts), f"{tally.precision:.3f}", f"{tally.recall:.3f}", after)
