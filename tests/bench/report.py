"""The table on the terminal, and the JSON file that keeps each module's last figures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure

SIGN = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}


def table_of(figures: Sequence[Figure], title: str) -> Table:
    """One row a figure."""
    table = Table("figure", "value", "goal", "met", "runs", "CPU s", "waited s", "note", title=title, title_justify="left")
    for figure in figures:
        bound = "" if figure.goal is None else f"{'≥' if figure.better == 'higher' else '≤'} {plain(figure.goal)}"
        table.add_row(
            figure.name,
            f"{plain(figure.value)} {figure.unit}",
            bound,
            SIGN[figure.met],
            " ".join(plain(run) for run in figure.runs),
            f"{figure.usage.cpu_s:.2f}" if figure.usage else "",
            f"{figure.usage.wait_s:.2f}" if figure.usage else "",
            figure.note,
        )
    return table


def plain(value: float) -> str:
    """Three significant digits, thousands with commas."""
    if value and abs(value) < 1:
        return f"{value:.3g}"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}".removesuffix(".00").removesuffix(".0")


class Report:
    """`build/bench.json`: a run of some modules replaces their figures and leaves those of the others."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def figures(self) -> list[dict[str, Any]]:
        """All that are kept now."""
        kept: list[dict[str, Any]] = self._read().get("figures", [])
        return kept

    def machine(self) -> dict[str, Any]:
        """The facts of the machine at the last run."""
        known: dict[str, Any] = self._read().get("machine", {})
        return known

    def keep(self, module: str, figures: Sequence[Figure], machine: dict[str, Any], measured_at: str) -> None:
        """Write the file anew, with these as the figures of `module`."""
        of_others = [figure for figure in self.figures() if figure["module"] != module]
        fresh = [{"module": module, "measured_at": measured_at, **figure.shown()} for figure in figures]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"machine": machine, "figures": of_others + fresh}
        self._path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")

    def _read(self) -> dict[str, Any]:
        whole: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return whole

    def show(self, module: str, figures: Sequence[Figure], console: Console) -> None:
        console.print(table_of(figures, module))
