"""Every row of the published numbers that concerns these formulas; what concerns later ones is listed by name."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ingest.parsers.files import read_recording
from pipelines.steps.intensity import reserve_share
from pipelines.steps.power import intensity_factor, normalized_power, training_stress_score
from pipelines.steps.rolling import best_mean
from pipelines.steps.time_in_zone import interval_seconds, time_in_zones
from pipelines.steps.trimp import banister
from pipelines.steps.variability import pnn50, rmssd, sdnn, variability
from tests.conftest import SHARED_DATA

LATER = {
    "device_calories": "carried by the parsers, tests/ingest",
    "moving_time_s": "activity analysis",
    "elapsed_time_s": "activity analysis",
    "elevation_gain_m": "activity analysis",
    "pace_avg_s_per_km": "by moving time: activity analysis",
    "flag": "activity analysis",
    "hrss": "activity analysis",
    "hr_stddev": "activity analysis",
    "hr_quartile_25": "activity analysis",
    "hr_median": "activity analysis",
    "hr_quartile_75": "activity analysis",
    "w_prime_balance": "activity analysis",
    "w_prime_balance_min": "activity analysis",
    "w_prime_tau": "activity analysis",
    "ctl_atl_tsb": "fitness over days",
}

AUTO_PAUSE_S = 3
"""The devices' timers stood still in pauses of 5 and 7 s, too; they record every second or other second."""
Series = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
Row = dict[str, Any]


@cache
def recorded(file: str) -> pl.DataFrame:
    return read_recording(SHARED_DATA / file).records


@cache
def series(file: str, column: str) -> Series:
    """Seconds and values of a column, one value a second."""
    records = recorded(file).filter(pl.col(column).is_not_null())
    grid = records.group_by(pl.col("time_ms") // 1000, maintain_order=True).agg(pl.col(column).last()).sort("time_ms")
    return grid["time_ms"].to_numpy(), grid[column].to_numpy()


def every_record(file: str, column: str) -> np.ndarray[Any, Any]:
    return recorded(file)[column].drop_nulls().to_numpy()


def heart(row: Row) -> Series:
    return series(row["input"], "heart_rate_bpm")


def normalized(row: Row) -> float:
    found = normalized_power(*series(row["input"], "power_watts"))
    assert found is not None
    return found


def stress(row: Row) -> float:
    ftp = row["params"]["ftp"]
    if row["input"] == "formula":
        return training_stress_score(row["params"]["normalized_power"], ftp, row["params"]["duration_s"])
    seconds, _ = series(row["input"], "power_watts")
    return training_stress_score(normalized(row), ftp, float(interval_seconds(seconds).sum()))


def zone_times(row: Row) -> Any:
    params = row["params"]
    if row["input"] == "formula":
        found = time_in_zones(params["time_s"], params["hr"], params["bounds"])
        pairs = zip(params["bounds"], params["bounds"][1:], found[1:], strict=False)
        return [row["expected"].get(f"{low}-{high}", 0) - seconds for low, high, seconds in pairs]
    found = time_in_zones(*heart(row), params["upper_bounds_bpm"], AUTO_PAUSE_S)
    return (found - np.array(row["expected"])).tolist()


def impulse_of_mean(row: Row) -> float:
    params = row["params"]
    _seconds, bpm = heart(row)
    minutes = 19_341 / 60  # the moving time that the same source gives
    return banister(minutes, bpm.mean(), params["max_hr"], params["rest_hr"], params["sex"])


def work_kj(row: Row) -> float:
    seconds, watts = series(row["input"], "power_watts")
    return float((interval_seconds(seconds) * watts).sum() / 1000)


def share_percent(row: Row, summed: Callable[[Any], Any]) -> float:
    share = reserve_share(heart(row)[1], row["params"]["max_hr"], row["params"]["rest_hr"])
    return float(summed(share) * 100)


def intervals(row: Row) -> list[int]:
    return [int(line) for line in (SHARED_DATA / row["input"]).read_text().split()]


FOUND: dict[str, Callable[[Row], Any]] = {
    "hr_avg_over_records": lambda row: every_record(row["input"], "heart_rate_bpm").mean(),
    "hr_avg": lambda row: heart(row)[1].mean(),
    "hr_max": lambda row: heart(row)[1].max(),
    "hr_reserve_avg_pct": lambda row: share_percent(row, np.mean),
    "hr_reserve_max_pct": lambda row: share_percent(row, np.max),
    "hr_best_20min_avg": lambda row: best_mean(*heart(row), 1200),
    "hr_best_60min_avg": lambda row: best_mean(*heart(row), 3600),
    "time_in_hr_zone": zone_times,
    "normalized_power": normalized,
    "intensity_factor": lambda row: intensity_factor(normalized(row), row["params"]["ftp"]),
    "training_stress_score": stress,
    "avg_power_over_records": lambda row: series(row["input"], "power_watts")[1].mean(),
    "power_avg": lambda row: series(row["input"], "power_watts")[1].mean(),
    "power_max": lambda row: series(row["input"], "power_watts")[1].max(),
    "power_best_20min": lambda row: best_mean(*series(row["input"], "power_watts"), 1200),
    "work_kj": work_kj,
    "distance_m": lambda row: np.ptp(every_record(row["input"], "distance_m")),
    "trimp_banister_exponential": impulse_of_mean,
    "trimp_banister": lambda row: banister(
        row["params"]["duration_s"] / 60,
        row["params"]["avg_hr"],
        row["params"]["max_hr"],
        row["params"]["rest_hr"],
        row["params"]["sex"],
    ),
    "rmssd": lambda row: rmssd(intervals(row)),
    "sdnn": lambda row: sdnn(intervals(row)),
    "pnn50": lambda row: pnn50(intervals(row)),
}


def rows() -> list[Row]:
    path = SHARED_DATA / "metrics" / "reference_metrics.json"
    return json.loads(path.read_text()) if path.is_file() else []


def test_every_published_number_is_compared_or_left_to_a_named_place(shared_data: Path) -> None:
    assert {row["metric"] for row in rows()} == FOUND.keys() | LATER.keys()


@pytest.mark.parametrize("metric", FOUND)
def test_published_numbers(metric: str, shared_data: Path) -> None:
    wrong = []
    for row in [row for row in rows() if row["metric"] == metric]:
        found = FOUND[metric](row)
        if metric == "time_in_hr_zone":
            off, allowed = max(abs(difference) for difference in found), row["tolerance_abs"]
        else:
            off = abs(found - row["expected"])
            allowed = row["tolerance_abs"] if "tolerance_abs" in row else row["expected"] * row["tolerance_pct"] / 100
        if off > allowed:
            wrong.append(f"{row['input']}: {found} for {row['expected']} ± {allowed}")
    assert wrong == []


def test_summed_by_the_second_the_impulse_is_the_other_published_one(shared_data: Path) -> None:
    (row,) = [row for row in rows() if row["metric"] == "trimp_banister_exponential"]
    seconds, bpm = heart(row)
    params, wanted = row["params"], row["also_right"]["summed per sample"]
    found = banister(interval_seconds(seconds) / 60, bpm, params["max_hr"], params["rest_hr"], params["sex"])
    assert found == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize("file", ["rr/physionet_000_first306.txt", "rr/hrv_rest.txt"])
def test_artefact_correction_leaves_clean_recordings_as_published(file: str, shared_data: Path) -> None:
    found = variability(intervals({"input": file}))
    wanted = {row["metric"]: row["expected"] for row in rows() if row["input"] == file}
    assert found.rejected_share < 0.05
    assert found.rmssd_ms == pytest.approx(wanted["rmssd"], rel=0.12)
    assert found.sdnn_ms == pytest.approx(wanted["sdnn"], rel=0.05)
