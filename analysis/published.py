"""Numbers that others published, beside ours: every row of a folder of references, and the documents' examples."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.analyse import find
from analysis.athlete import Athlete
from analysis.metric import Subject
from analysis.metrics import METRICS
from analysis.published_formulas import COMPUTED, EXAMPLES
from ingest.parsers.files import read_recording
from ingest.parsers.recording import Recording

Row = dict[str, Any]
MANIFEST = {"lf_ms2": "lf_power", "hf_ms2": "hf_power", "mean_hr_bpm": "hr_of_mean_nn", "rmssd_ms": "rmssd"}
MEASURED = {"mean_nn_ms": "mean_nn", "nn50": "nn50", "hr_of_mean_nn_bpm": "hr_of_mean_nn"}
ROUNDING = 1e-9
PUBLISHED_PERCENT = {"lf_ms2": 15, "hf_ms2": 15, "mean_hr_bpm": 0.5, "rmssd_ms": 1}
"""As the manifest states them."""


@dataclass(frozen=True)
class Comparison:
    """One published number and ours. `tolerance` is absolute, in the number's unit; of texts equality is asked."""

    input: str
    metric: str
    unit: str
    params: str
    ours: Any
    theirs: Any
    tolerance: float
    source: str

    @property
    def difference(self) -> float | None:
        """The greatest one of several numbers; none of texts and when we have no number."""
        if isinstance(self.ours, str) or self.ours is None:
            return None
        ours, theirs = _flat(self.ours), _flat(self.theirs)
        if len(ours) != len(theirs):
            return None
        return max((a - b for a, b in zip(ours, theirs, strict=True)), key=abs)

    @property
    def met(self) -> bool:
        if isinstance(self.theirs, str):
            return str(self.ours) == self.theirs
        difference = self.difference
        return difference is not None and abs(difference) <= self.tolerance + ROUNDING


def compare_all(data: Path, read: Callable[[Path], Recording] = read_recording) -> list[Comparison]:
    """Every published number, in the order of its source; each recording is read once."""
    rows: list[Row] = json.loads((data / "metrics" / "reference_metrics.json").read_text())
    rows += _also_right(rows) + _of_manifest(data) + list(EXAMPLES)
    analysed = _Analysed(data, rows, read)
    return [_comparison(row, analysed(row) if _is_file(row) else COMPUTED[row["metric"]](row)) for row in rows]


def athlete_of(params: Mapping[str, Any]) -> Athlete:
    """The athlete whom a row's parameters describe."""
    ftp = params.get("ftp", params.get("cycling_ftp"))
    return Athlete(
        sex=params.get("sex"),
        age_years=params.get("age"),
        max_bpm=params.get("max_hr"),
        resting_bpm=params.get("rest_hr"),
        ftp_watts=ftp,
        critical_power_watts=params.get("cp"),
        w_prime_joules=params.get("w_prime"),
        zone_bounds_bpm=tuple(params.get("upper_bounds_bpm", ())),
    )


class _Analysed:
    """Our values for rows about files; one analysis serves all rows of a file whose parameters agree."""

    def __init__(self, data: Path, rows: list[Row], read: Callable[[Path], Recording]) -> None:
        self._data = data
        self._groups: dict[str, list[dict[str, Any]]] = {}
        self._values: dict[tuple[str, int], dict[str, Any]] = {}
        for row in filter(_is_file, rows):
            self._join(self._groups.setdefault(row["input"], []), row.get("params", {}))
        for file, groups in self._groups.items():
            recording = read(data / file)
            wanted = {row["metric"] for row in rows if row["input"] == file}
            for at, params in enumerate(groups):
                subject = Subject(recording, athlete_of(params))
                self._values[file, at], _absent = find(subject, (metric for metric in METRICS if metric.name in wanted))

    def __call__(self, row: Row) -> Any:
        wanted = row.get("params", {})
        groups = self._groups[row["input"]]
        at = next(at for at, params in enumerate(groups) if wanted.items() <= params.items())
        return self._values[row["input"], at].get(row["metric"])

    @staticmethod
    def _join(groups: list[dict[str, Any]], params: Mapping[str, Any]) -> None:
        for group in groups:
            if all(group.get(name, value) == value for name, value in params.items()):
                group.update(params)
                return
        groups.append(dict(params))


def _is_file(row: Row) -> bool:
    return str(row["input"]).startswith(("activities/", "rr/"))


def _also_right(rows: list[Row]) -> list[Row]:
    """The second value that some rows call right as well: TRIMP summed by the sample, as a class counts it."""
    ours = {"trimp_banister_exponential": "trimp_banister", "hrss": "hrss_by_second"}
    return [
        {**row, "metric": ours[row["metric"]], "expected": value, "source": f"{row['source']}; {way}"}
        for row in rows
        for way, value in row.get("also_right", {}).items()
    ]


def _of_manifest(data: Path) -> list[Row]:
    """What the manifest says of the RR intervals beside the references."""
    manifest = data / "manifest.json"
    if not manifest.is_file():
        return []
    found: list[Row] = []
    for entry in json.loads(manifest.read_text())["files"]:
        facts = entry["facts"] if entry["file"].startswith("rr/") else {}
        common = {"input": entry["file"], "unit": ""}
        for name, percent in PUBLISHED_PERCENT.items():
            if name in facts.get("published", {}):
                told = facts["published"]
                row = {"metric": MANIFEST[name], "expected": told[name], "tolerance_pct": percent, "source": told["source"]}
                found.append(common | row)
        for name, metric in MEASURED.items():
            if name in facts.get("measured", {}):
                row = {
                    "metric": metric,
                    "expected": facts["measured"][name],
                    "tolerance_pct": 0.1,
                    "source": "manifest, measured",
                }
                found.append(common | row)
    return found


def _comparison(row: Row, ours: Any) -> Comparison:
    expected = row["expected"]
    tolerance = row.get("tolerance_abs")
    if tolerance is None:
        tolerance = max(map(abs, _flat(expected))) * row["tolerance_pct"] / 100 if "tolerance_pct" in row else 0.0
    return Comparison(
        input=row["input"],
        metric=row["metric"],
        unit=row.get("unit", ""),
        params=_told(row.get("params", {})),
        ours=ours,
        theirs=expected,
        tolerance=tolerance,
        source=row["source"],
    )


def _flat(value: Any) -> list[float]:
    """The numbers in a number, list or object, in order."""
    if isinstance(value, Mapping):
        return [float(part) for part in value.values()]
    return (
        [float(part) for part in value]
        if isinstance(value, list | tuple)
        else [float(value)]
        if not isinstance(value, str)
        else [0.0]
    )


def _told(params: Mapping[str, Any]) -> str:
    """Parameters in a few words; long ones are in the source."""
    short = {name: value for name, value in params.items() if name not in {"rule", "daily_load", "lthr", "start"}}
    return ", ".join(
        f"{name} {'/'.join(map(str, value)) if isinstance(value, list) else value}" for name, value in short.items()
    )
