"""Alerts are right, and quiet. `make accuracy` prints the same figures and writes them into docs/alerts.md."""

import re

import pytest

from pipelines.steps.alerts import RULES
from schemas.alerts import AlertRule
from tests.accuracy import ordinary, study
from tests.accuracy.single_rules import record
from tests.accuracy.table import ACCURACY_HEAD, accuracy_rows, as_markdown, calm_rows, shown_in
from tests.accuracy.truth import EARLY_S, PROMISES, Excursion, Script, Tally, Told, account, overall
from tests.running import ROOT

DOCUMENT = ROOT / "docs" / "alerts.md"
ENOUGH = 8
"""Excursions of a rule below which its share of right ones would say nothing."""
SESSION = "0192aaaa-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def tallies() -> dict[AlertRule, Tally]:
    return study.tallies()


@pytest.fixture(scope="module")
def classes() -> list[ordinary.Calm]:
    return ordinary.calm(ordinary.SEED)


@pytest.mark.parametrize("rule", PROMISES)
def test_a_rule_tells_what_it_should_and_little_else(rule: AlertRule, tallies: dict[AlertRule, Tally]) -> None:
    tally = tallies[rule]
    assert tally.excursions >= ENOUGH
    assert tally.harmless >= ENOUGH
    assert tally.precision >= study.PROMISED, f"{tally.false} false beside {tally.right}"
    assert tally.recall >= study.PROMISED, f"{tally.missed} of {tally.excursions} missed"


def test_all_rules_together_are_as_right(tallies: dict[AlertRule, Tally]) -> None:
    print(as_markdown(ACCURACY_HEAD, accuracy_rows(tallies)))  # noqa: T201  # a figure that CI's log should show
    together = overall(tallies)
    assert min(together.precision, together.recall) >= study.PROMISED


def test_ten_ordinary_classes_are_quiet(classes: list[ordinary.Calm]) -> None:
    print("\n".join(" | ".join(row) for row in calm_rows(classes)))  # noqa: T201  # a figure that CI's log should show
    assert len(classes) == 10
    assert len({one.name for one in classes}) == 10
    assert ordinary.too_loud(classes) == []


def test_the_document_shows_these_figures(tallies: dict[AlertRule, Tally]) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in shown_in(DOCUMENT).splitlines()]
    written = {re.sub(r"[`*]", "", row[0]): row for row in rows}
    for name, *_, precision, recall, _ in ([re.sub(r"[`*]", "", cell) for cell in row] for row in accuracy_rows(tallies)):
        assert float(written[name][6]) == pytest.approx(float(precision), abs=0.02), "run make accuracy"
        assert float(written[name][7]) == pytest.approx(float(recall), abs=0.02), "run make accuracy"


def test_the_document_says_what_the_rules_do() -> None:
    lines = [line for line in DOCUMENT.read_text().split("## How right")[0].splitlines() if line.startswith("| `")]
    described = {row[0].strip("`"): row for row in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)}
    assert described.keys() == RULES.keys()
    for name, rule in RULES.items():
        assert described[name][5] == rule.severity
        waits = rule.hold_s and f"{rule.hold_s} s"
        assert described[name][3] == waits or not waits
        assert not rule.clear_s or f"for {rule.clear_s} s" in described[name][4] or "within 70 %" in described[name][4]


def told(at_s: int, rule: AlertRule = "heart_rate_high", member_id: int = 1) -> Told:
    return Told(SESSION, member_id, rule, at_s)


def counted(*alerts: Told) -> tuple[int, int, int]:
    """Right, missed and false, for one excursion from second 100 to 160."""
    excursion = Excursion(SESSION, 1, "heart_rate_high", 100, 160)
    script = Script(record(1, ()), excursions=[excursion])
    tally = overall(account([script], list(alerts)))
    return tally.right, tally.missed, tally.false


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([], (0, 1, 0)),
        ([told(110)], (1, 0, 0)),
        ([told(110 - EARLY_S)], (1, 0, 0)),
        ([told(110 - EARLY_S - 1)], (0, 1, 1)),
        ([told(175)], (1, 0, 0)),
        ([told(176)], (0, 1, 1)),
        ([told(112), told(150)], (1, 0, 1)),
        ([told(112, member_id=2)], (0, 1, 1)),
        ([told(112, rule="heart_rate_low")], (0, 1, 1)),
    ],
)
def test_an_excursion_has_one_alert_and_in_its_time(alerts: list[Told], expected: tuple[int, int, int]) -> None:
    assert counted(*alerts) == expected
