"""Published numbers that need no recording: formulas on given values, daily loads, the documents' examples."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.emotion import emotion
from pipelines.steps.fitness import form_over_days
from pipelines.steps.power import training_stress_score
from pipelines.steps.stress import stress
from pipelines.steps.time_in_zone import time_in_zones
from pipelines.steps.trimp import banister
from pipelines.steps.w_prime import balance_differential, balance_integral, recovery_tau_s

Row = dict[str, Any]


def _zones(row: Row) -> dict[str, float]:
    params = row["params"]
    found = time_in_zones(params["time_s"], params["hr"], params["bounds"]).tolist()
    pairs = zip(params["bounds"], params["bounds"][1:], found[1:], strict=False)
    return {f"{low}-{high}": seconds for low, high, seconds in pairs}


def _impulse(row: Row) -> float:
    params = row["params"]
    return banister(params["duration_s"] / 60, params["avg_hr"], params["max_hr"], params["rest_hr"], params["sex"])


def _stress_score(row: Row) -> float:
    params = row["params"]
    return training_stress_score(params["normalized_power"], params["ftp"], params["duration_s"])


def _ramp() -> Array:
    """0, 1, 2 … 99 W, a second each."""
    return np.arange(100.0)


def _balance(row: Row) -> dict[str, float]:
    params = row["params"]
    form = balance_integral if params["algorithm"].startswith("integral") else balance_differential
    balance = form(_ramp(), params["cp"], params["w_prime"])
    return {moment: float(balance[int(moment.split()[1])]) for moment in row["expected"]}


def _form(row: Row) -> dict[str, float]:
    params = row["params"]
    start, until = date.fromisoformat(params["start"]), date.fromisoformat(params["date"])
    days = [(start + timedelta(days=day)).isoformat() for day in range((until - start).days + 1)]
    loads = [params["daily_load"].get(day, 0) for day in days]
    form = form_over_days(loads, params["initial_ctl"], params["initial_atl"])
    found = {"atl": form.fatigue, "ctl": form.fitness, "tsb": form.form}
    return {name: float(found[name][-1]) for name in row["expected"]}


def _stress_level(row: Row) -> float:
    found = stress(**row["params"])
    return found.level if found else float("nan")


def _state(row: Row) -> str:
    found = emotion(**row["params"])
    return found.state if found else ""


def _confidence(row: Row) -> float:
    found = emotion(**row["params"])
    return found.confidence if found else float("nan")


COMPUTED: Final[dict[str, Callable[[Row], Any]]] = {
    "training_stress_score": _stress_score,
    "time_in_hr_zone": _zones,
    "trimp_banister": _impulse,
    "w_prime_balance": _balance,
    "w_prime_tau": lambda row: recovery_tau_s(_ramp(), row["params"]["cp"]),
    "ctl_atl_tsb": _form,
    "stress_level": _stress_level,
    "emotional_state": _state,
    "emotional_confidence": _confidence,
}

_STRESS = {
    "heart_rate_bpm": 155,
    "rmssd_ms": 35,
    "pupil_dilation_mm_s": 0.25,
    "breaths_a_minute": 22,
    "resting_bpm": 60,
    "max_bpm": 190,
}
_EYES = {
    "pupil_mm": 5.2,
    "dilation_mm_s": 0.15,
    "blinks_a_minute": 18,
    "gaze_stability_percent": 75,
    "heart_rate_bpm": 145,
}
_EXAMPLE = {"input": "document's example", "source": "fitness-module document, example of the request"}
EXAMPLES: Final[tuple[Row, ...]] = (
    _EXAMPLE | {"metric": "stress_level", "params": _STRESS, "expected": 62, "tolerance_abs": 3},
    _EXAMPLE | {"metric": "emotional_state", "params": _EYES, "expected": "focused"},
    _EXAMPLE | {"metric": "emotional_confidence", "params": _EYES, "expected": 0.85, "tolerance_abs": 0.1},
)
"""What the documents show, with the tolerance that was agreed for it."""
