"""Every published number beside ours; the page in docs is what a fresh run writes. Each recording is read once."""

from pathlib import Path

import pytest

from analysis.numbers_page import page
from analysis.published import Comparison, compare_all
from tests.conftest import ROOT
from tests.recordings import recorded

PUBLISHED_ROWS = 113


@pytest.fixture(scope="module")
def comparisons(shared_data: Path) -> list[Comparison]:
    return compare_all(shared_data, recorded)


def test_every_published_number_lies_within_its_tolerance(comparisons: list[Comparison]) -> None:
    missed = [f"{c.input} {c.metric}: {c.ours} for {c.theirs} ± {c.tolerance}" for c in comparisons if not c.met]
    assert missed == []
    assert len(comparisons) > PUBLISHED_ROWS


def test_the_page_of_numbers_is_what_a_fresh_run_writes(comparisons: list[Comparison]) -> None:
    assert (ROOT / "docs" / "numbers.md").read_text() == page(comparisons), "run `make numbers` and commit docs/numbers.md"


def test_what_the_class_shows_and_what_is_published_agree_where_they_are_one_metric(comparisons: list[Comparison]) -> None:
    ours = {(c.input, c.metric): c.ours for c in comparisons}
    ride = "activities/ride_first_power.fit"
    assert ours[ride, "power_avg"] == pytest.approx(ours[ride, "avg_power_over_records"], rel=1e-3)
    assert ours["activities/ride_huez_6h.fit", "hr_avg"] == pytest.approx(
        ours["activities/ride_huez_6h.fit", "hr_avg_over_records"], rel=1e-3
    )


def test_a_number_outside_its_tolerance_or_missing_is_not_met() -> None:
    def compared(ours: object, theirs: object) -> Comparison:
        return Comparison("file", "metric", "", "", ours, theirs, 1.0, "somebody")

    assert compared(10.0, 11.0).met
    assert not compared(10.0, 11.1).met
    assert not compared(None, 11.0).met
    assert not compared([1.0, 2.0], [1.0, 2.0, 3.0]).met
    assert not compared([1.0, 2.0], [1.0, 4.0]).met
    assert compared({"a": 1.0}, {"a": 1.5}).met
    assert not compared("focused", "calm").met
