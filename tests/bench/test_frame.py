"""The frame of the benchmarks: goals, medians, processor time, what survives a failure."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.document import BEGIN, END, renewed
from tests.bench.figures import Figure, Run, Usage, median_figure, median_of, percentile, usage_of
from tests.bench.report import Report, plain
from tests.bench.run import run


def test_a_goal_is_met_from_the_better_side() -> None:
    assert Figure("ratio", 10, "×", 10, "higher").met is True
    assert Figure("ratio", 9.9, "×", 10, "higher").met is False
    assert Figure("delay", 100, "ms", 100, "lower").met is True
    assert Figure("delay", 101, "ms", 100, "lower").met is False
    assert Figure("cost", 5, "µs", None, "lower").met is None


def test_the_median_brings_the_processor_time_of_its_run() -> None:
    figure = median_figure("x", "s", None, "lower", [Run(3, Usage(0.3, 0)), Run(1, Usage(0.1, 0)), Run(2, Usage(0.2, 0.5))])
    assert figure.value == 2
    assert figure.usage == Usage(0.2, 0.5)
    assert figure.runs == (3, 1, 2)
    assert median_of(3, iter([5.0, 1.0, 2.0]).__next__) == 2


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile(range(1, 21), 0.95) == 19
    assert percentile(range(1, 21), 1) == 20
    assert percentile([7], 0.95) == 7
    assert percentile([3, 1, 2], 0.5) == 2


def test_processor_time_of_this_process_grows_with_work() -> None:
    before, started = usage_of(os.getpid()), time.process_time()
    while time.process_time() - started < 0.1:
        sum(range(1000))
    assert (usage_of(os.getpid()) - before).cpu_s >= 0.08
    assert usage_of(2**22 + 1) == Usage()


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (2, "2"), (2.345, "2.35"), (45.67, "45.7"), (1234567, "1,234,567")]
)
def test_values_are_shown_with_three_digits(value: float, text: str) -> None:
    assert plain(value) == text


def test_a_benchmark_that_fails_loses_neither_its_own_first_figures_nor_those_of_others(tmp_path: Path) -> None:
    def failing() -> Iterator[Figure]:
        yield Figure("before the fault", 1, "s", 2, "lower")
        raise RuntimeError("the fault")

    def whole() -> Iterator[Figure]:
        yield Figure("of the other", 3, "s", 2, "lower")

    path = tmp_path / "build" / "bench.json"
    with (tmp_path / "out.txt").open("w") as out:
        console = Console(file=out, width=160)
        assert run({"failing": failing, "whole": whole}, Report(path), console) == 1
        assert run({"whole": whole}, Report(path), console) == 0
    text = (tmp_path / "out.txt").read_text()
    assert "the fault" in text
    assert "failed: failing" in text
    kept = json.loads(path.read_text())
    assert kept["machine"]["cores"] == os.cpu_count()
    stolen = "processors taken by the host's other machines"
    assert [(f["module"], f["name"], f["met"]) for f in kept["figures"]] == [
        ("failing", "before the fault", True),
        ("failing", stolen, None),
        ("whole", "of the other", False),
        ("whole", stolen, None),
    ]


def test_the_page_shows_the_figures_and_keeps_what_people_wrote() -> None:
    figure = {
        "module": "gateway",
        "measured_at": "2026-11-21T13:00:00+00:00",
        **Figure("ratio", 1234, "×", 2000, "higher").shown(),
    }
    page = f"# Performance\n\n{BEGIN}\nold\n{END}\nwritten by hand\n"
    once = renewed(page, [figure], {"cores": 2})
    assert "| ratio | 1,234 × | ≥ 2,000 | **no** |" in once
    assert "cores 2" in once
    assert "old" not in once
    assert once.endswith(f"{END}\nwritten by hand\n")
    assert renewed(once, [figure], {"cores": 2}) == once
