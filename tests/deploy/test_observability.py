"""Dashboard and alert rules: what they ask for exists, can be parsed, and is told in sentences."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from infra.telemetry import metrics
from tests.running import ROOT

FOLDER = ROOT / "infra" / "deploy" / "observability"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OF_PROMETHEUS = {"job", "instance"}
"""Labels that it adds to whatever it scrapes."""


def _series() -> dict[str, tuple[MetricWrapperBase, set[str]]]:
    """Every series that our processes show, with its labels."""
    found: dict[str, tuple[MetricWrapperBase, set[str]]] = {}
    for metric in vars(metrics).values():
        labels = set(getattr(metric, "_labelnames", ())) | OF_PROMETHEUS
        match metric:
            case Counter():
                found[f"{metric._name}_total"] = metric, labels
            case Gauge():
                found[metric._name] = metric, labels
            case Histogram():
                found[f"{metric._name}_bucket"] = metric, labels | {"le"}
                found |= {f"{metric._name}_{part}": (metric, labels) for part in ("sum", "count")}
    return found


SERIES = _series()


def _asked() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']}/{target['refId']}", target["expr"].replace("$__rate_interval", "1m")


ASKED = dict(_asked())


def _parts(node: Any) -> Iterator[Any]:
    """The expression and everything in it."""
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (below := getattr(node, name, None)) is not None:
            yield from _parts(below)
    for below in getattr(node, "args", ()):
        yield from _parts(below)


def _names(node: Any) -> set[str]:
    return {part.name for part in _parts(node) if isinstance(part, promql_parser.VectorSelector)}


@pytest.mark.parametrize("expression", ASKED.values(), ids=ASKED)
def test_every_series_that_is_asked_for_exists_with_its_labels(expression: str) -> None:
    parsed = promql_parser.parse(expression)
    names = _names(parsed)
    assert names, "it asks for nothing"
    assert names - {"up"} <= SERIES.keys()
    for part in _parts(parsed):
        if isinstance(part, promql_parser.VectorSelector) and part.name != "up":
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", part.prettify().partition("{")[2]))
            assert used <= SERIES[part.name][1], part.prettify()
        if isinstance(part, promql_parser.AggregateExpr):
            grouped = set(re.findall(r"\bby \(([^)]*)\)", part.prettify().partition("(")[0] + part.prettify()))
            labels = {label.strip() for group in grouped for label in group.split(",")}
            for name in _names(part) - {"up"}:
                assert labels <= SERIES[name][1], f"{name} has no {labels - SERIES[name][1]}"


@pytest.mark.parametrize("expression", ASKED.values(), ids=ASKED)
def test_rates_are_taken_of_what_only_grows_and_quantiles_of_buckets(expression: str) -> None:
    for part in _parts(promql_parser.parse(expression)):
        if isinstance(part, promql_parser.Call) and part.func.name in {"rate", "increase"}:
            assert {type(SERIES[name][0]) for name in _names(part)} <= {Counter, Histogram}
        if isinstance(part, promql_parser.Call) and part.func.name == "histogram_quantile":
            assert all(name.endswith("_bucket") for name in _names(part))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_seen_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description"}
    assert all(text.endswith((".", "?")) for text in rule["annotations"].values())
    names = _names(promql_parser.parse(rule["expr"]))
    labels = set.union(*(SERIES[name][1] if name != "up" else OF_PROMETHEUS for name in names))
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels


def test_alerts_have_names_of_their_own_and_the_docs_list_them() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    text = (ROOT / "docs" / "monitoring.md").read_text()
    assert [name for name in names if f"`{name}`" not in text] == []


def test_grafana_knows_everything_that_the_dashboard_says() -> None:
    read = json.loads(json.dumps(Dashboard.from_json(DASHBOARD).to_json(), default=lambda part: part.to_json()))
    assert _unknown(DASHBOARD, read) == []


def _unknown(ours: Any, known: Any, path: str = "") -> list[str]:
    """What of ours a reader of Grafana's own model has dropped or changed."""
    if isinstance(ours, dict):
        if not isinstance(known, dict):
            return [path]
        return [lost for name, value in ours.items() for lost in _unknown(value, known.get(name), f"{path}.{name}")]
    if isinstance(ours, list):
        if not isinstance(known, list) or len(ours) != len(known):
            return [path] if ours else []
        return [
            lost
            for at, (mine, theirs) in enumerate(zip(ours, known, strict=True))
            for lost in _unknown(mine, theirs, f"{path}[{at}]")
        ]
    return [] if ours == known else [path]


def test_panels_lie_side_by_side_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another"
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert [panel["title"] for panel in PANELS if not panel["description"]] == []


def test_every_metric_of_ours_is_looked_at_by_somebody() -> None:
    looked_at = set().union(*(_names(promql_parser.parse(expression)) for expression in ASKED.values()))
    told = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in looked_at}
    left_out = {metric._name for metric, _labels in SERIES.values()} - told
    assert left_out <= QUIET, left_out - QUIET


QUIET = {
    "paceline_clock_corrected",
    "paceline_sockets_opened",
    "paceline_requests_limited",
    "paceline_warehouse_queries",
    "paceline_warehouse_errors",
    "paceline_warehouse_seconds",
    "paceline_warehouse_rows_written",
}
"""For whoever looks closer; no panel of their own."""


def test_prometheus_scrapes_by_files_that_are_there() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert [name for name in config["rule_files"] if not Path(FOLDER, name).is_file()] == []
    assert {job["job_name"] for job in config["scrape_configs"]} == {"paceline"}, "alert rules ask for this job"
