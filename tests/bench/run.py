"""`python -m tests.bench.run [names…]`: run benchmarks one after the other, print their tables, write `build/bench.json`.

A benchmark is a module of this folder with `measure() -> Iterable[Figure]`, which starts the servers it needs and leaves
nothing behind. When one fails, what it has yielded until then is kept, the others run, and the command ends with 1.
"""

import datetime
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console

from tests.bench.figures import Figure
from tests.bench.machine import facts, processor_s, stolen_since
from tests.bench.report import Report
from tests.running import ROOT

Measure = Callable[[], Iterable[Figure]]
USUAL = ("gateway", "live_flow", "stack", "warehouse")
"""What `make bench` runs. `first_tile` is not among them: it needs the package registries and several minutes."""


def main(names: Sequence[str]) -> int:
    """Exit status: 0 when every benchmark ran to its end, whether or not goals are met."""
    forget_own_settings()
    console = Console(width=None if sys.stdout.isatty() else 200)
    return run({name: _load(name) for name in names or USUAL}, Report(ROOT / "build" / "bench.json"), console)


def forget_own_settings() -> None:
    """A developer's own settings must not reach the measured processes."""
    for name in [name for name in os.environ if name.startswith("PACELINE_") and not name.startswith("PACELINE_BENCH_")]:
        del os.environ[name]


def run(benchmarks: dict[str, Measure], report: Report, console: Console) -> int:
    """Each in turn; returns the exit status."""
    failed = [name for name, measure in benchmarks.items() if not _run_one(name, measure, report, console)]
    if failed:
        console.print(f"[red]failed:[/] {', '.join(failed)}")
    return 1 if failed else 0


def _run_one(name: str, measure: Measure, report: Report, console: Console) -> bool:
    figures: list[Figure] = []
    machine, before = facts(), processor_s()
    console.print(f"[bold]{name}[/] …")
    try:
        for figure in measure():
            figures.append(figure)  # noqa: PERF402 - one by one: a fault in between loses nothing
    except Exception:  # noqa: BLE001 - whatever it is, the figures of the others shall not be lost
        console.print_exception()
        return False
    finally:
        figures.append(stolen_since(before))
        report.show(name, figures, console)
        if len(figures) > 1:
            report.keep(name, figures, machine, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    return True


def _load(name: str) -> Measure:
    """Imported when its turn comes, so that a module which cannot be imported stops only itself."""

    def measure() -> Iterable[Figure]:
        module = importlib.import_module(f"tests.bench.{name}")
        found: Iterable[Figure] = module.measure()
        return found

    return measure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
