"""`python -m tests.bench.document`: put the figures of `build/bench.json` into docs/performance.md, between its marks."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tests.bench.report import Report, plain
from tests.running import ROOT

BEGIN, END = "<!-- figures: make bench-document -->", "<!-- end of figures -->"
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """Renew the page; 1 when there is nothing to put in."""
    report = Report(ROOT / "build" / "bench.json")
    figures = report.figures()
    if not figures:
        sys.stderr.write("there are no figures yet: make bench\n")
        return 1
    PAGE.write_text(renewed(PAGE.read_text(), figures, report.machine()))
    return 0


def renewed(page: str, figures: Sequence[dict[str, Any]], machine: dict[str, Any]) -> str:
    """The page with these figures in the place of the old ones."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join([BEGIN, *_tables(figures, machine), END]) + after


def _tables(figures: Sequence[dict[str, Any]], machine: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "Machine: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items()) + "."
    for module, of_module in groupby(sorted(figures, key=lambda f: str(f["module"])), key=lambda f: str(f["module"])):
        rows = list(of_module)
        yield f"\n### {module}, {rows[0]['measured_at'][:16].replace('T', ' ')} UTC\n"
        yield "| figure | value | goal | met | runs | CPU s | waited s | note |"
        yield "|---|---|---|---|---|---|---|---|"
        yield from map(_row, rows)
    yield ""


def _row(figure: dict[str, Any]) -> str:
    sign = "≥" if figure["better"] == "higher" else "≤"
    cells = [
        figure["name"],
        f"{plain(figure['value'])} {figure['unit']}".strip(),
        "" if figure["goal"] is None else f"{sign} {plain(figure['goal'])}",
        {True: "yes", False: "**no**", None: ""}[figure["met"]],
        " · ".join(plain(run) for run in figure["runs"]),
        "" if figure["cpu_s"] is None else f"{figure['cpu_s']:.2f}",
        "" if figure["wait_s"] is None else f"{figure['wait_s']:.2f}",
        figure["note"].replace("|", "/"),
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
