"""Heart rate: means, extremes, spread, zones, recovery."""

from typing import Any

import numpy as np

from analysis.activity import Series
from analysis.metric import Metric, Missing, Subject, known
from pipelines.steps.heart_rate_recovery import greatest_fall_bpm
from pipelines.steps.intensity import reserve_share
from pipelines.steps.max_heart_rate import sustained_max_bpm
from pipelines.steps.mean_maximal import best_mean_known
from pipelines.steps.plausibility import suspects
from pipelines.steps.recorded_time import counted_seconds, held_grid
from pipelines.steps.zones import zone_of

NO_HEART_RATE = "the recording holds no heart rate"
NO_MAXIMUM = "needs --max-hr, or --age to estimate it"
NO_RESTING = "needs --resting-hr"


def heart_rate(subject: Subject) -> Series:
    """One value a second, or Missing."""
    series = subject.activity.heart_rate
    if not len(series):
        raise Missing(NO_HEART_RATE)
    return series


def every_bpm(subject: Subject) -> Any:
    """Every record's heart rate, or Missing."""
    heart_rate(subject)
    return subject.activity.every("heart_rate_bpm")


def counted_heart_rate(subject: Subject) -> tuple[Any, Any]:
    """The time (s) that each second's heart rate stands for, and the heart rates; Missing when no two are within 10 s."""
    series = heart_rate(subject)
    lengths = counted_seconds(series.at, subject.activity.pauses)
    if not lengths.any():
        raise Missing("no two heart rates lie within 10 s of each other")
    return lengths, series.values


def maximum_and_resting(subject: Subject) -> tuple[float, float]:
    """Both, or Missing."""
    return known(subject.athlete.maximum_bpm, NO_MAXIMUM), known(subject.athlete.resting_bpm, NO_RESTING)


def _reserve_percent(subject: Subject, bpm: float) -> float:
    return max(0.0, float(reserve_share(bpm, *maximum_and_resting(subject))) * 100)


def _best(subject: Subject, minutes: int) -> float:
    series = heart_rate(subject)
    return known(
        best_mean_known(series.at, series.values, minutes * 60), f"no {minutes} minutes were recorded without large gaps"
    )


def _zones(subject: Subject) -> list[float]:
    bounds = subject.athlete.bounds_bpm
    if not bounds:
        raise Missing("needs --hr-zones, or --max-hr, or --age")
    lengths, values = counted_heart_rate(subject)
    seconds: list[float] = np.bincount(zone_of(values, bounds), weights=lengths, minlength=len(bounds) + 1).tolist()
    return seconds


def _average(subject: Subject) -> float:
    heart_rate(subject)
    return known(subject.totals.heart_rate_avg_bpm, NO_HEART_RATE)


def _sustained(subject: Subject) -> int:
    series = heart_rate(subject)
    trusted = ~suspects(series.at, series.values)
    held, present = held_grid(series.at[trusted], series.values[trusted])
    return known(sustained_max_bpm(np.flatnonzero(present), held[present]), "no 30 s without a gap or a suspect value")


def _recovery(subject: Subject) -> int:
    series = heart_rate(subject)
    held, present = held_grid(series.at, series.values)
    return known(greatest_fall_bpm(np.flatnonzero(present), held[present]), "no fall from a high heart rate, 60 s long")


METRICS = (
    Metric("hr_avg_over_records", "bpm", "arithmetic mean of all records that have one", lambda s: every_bpm(s).mean()),
    Metric(
        "hr_avg",
        "bpm",
        "mean over the seconds that have one, as in a class",
        _average,
    ),
    Metric("hr_max", "bpm", "highest of any record", lambda s: int(every_bpm(s).max())),
    Metric("hr_max_sustained_30s", "bpm", "highest held for 30 s, suspect values left out", _sustained),
    Metric("hr_stddev", "bpm", "standard deviation over the seconds", lambda s: heart_rate(s).values.std()),
    Metric("hr_quartile_25", "bpm", "lower quartile over the seconds", lambda s: np.percentile(heart_rate(s).values, 25)),
    Metric("hr_median", "bpm", "median over the seconds", lambda s: np.median(heart_rate(s).values)),
    Metric("hr_quartile_75", "bpm", "upper quartile over the seconds", lambda s: np.percentile(heart_rate(s).values, 75)),
    Metric("hr_best_20min_avg", "bpm", "highest mean over 20 minutes, 90 % of them recorded", lambda s: _best(s, 20)),
    Metric("hr_best_60min_avg", "bpm", "highest mean over 60 minutes, 90 % of them recorded", lambda s: _best(s, 60)),
    Metric(
        "hr_reserve_avg_pct",
        "%",
        "hr_avg as share of reserve (Karvonen)",
        lambda s: _reserve_percent(s, heart_rate(s).values.mean()),
    ),
    Metric(
        "hr_reserve_max_pct", "%", "hr_max as share of reserve (Karvonen)", lambda s: _reserve_percent(s, every_bpm(s).max())
    ),
    Metric(
        "time_in_hr_zone",
        "s",
        "time below the first bound, from each bound to the next, from the last on; pauses do not count",
        _zones,
    ),
    Metric(
        "hr_recovery_60s", "bpm", "greatest fall within 60 s from at least 85 % of the highest (after Cole 1999)", _recovery
    ),
)
