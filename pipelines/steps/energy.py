"""Energy spent, from heart rate or from mechanical work."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from schemas.directory import Sex

KJ_PER_KCAL: Final = 4.184
GROSS_EFFICIENCY: Final = 0.24
"""Share of metabolic energy that cyclists turn into work."""

# constant, per bpm, per kg, per year; then the same with VO2max: constant, per bpm, per ml/min/kg, per kg, per year
_PLAIN: Final = {"male": (-55.0969, 0.6309, 0.1988, 0.2017), "female": (-20.4022, 0.4472, -0.1263, 0.074)}
_WITH_VO2MAX: Final = {
    "male": (-95.7735, 0.634, 0.404, 0.394, 0.271),
    "female": (-59.3954, 0.450, 0.380, 0.103, 0.274),
}


def kcal_per_minute(
    heart_rate_bpm: ArrayLike, sex: Sex | None, age_years: float, mass_kg: float, vo2max_ml_kg_min: float | None = None
) -> Array:
    """Energy from heart rate, kcal a minute, never below 0 (Keytel 2005).

    Fitted on adults of 18 to 45 years, 47 to 120 kg, at 41 to 80 % of VO2max; an estimate beyond. For unknown sex the
    mean of both equations.
    """
    sexes = ("male", "female") if sex is None else (sex,)
    rates = [_kj_per_minute(np.asarray(heart_rate_bpm, dtype=float), s, age_years, mass_kg, vo2max_ml_kg_min) for s in sexes]
    kilojoules: Array = np.mean(rates, axis=0)
    return np.maximum(kilojoules, 0.0) / KJ_PER_KCAL


def kcal_from_work(work_joules: ArrayLike) -> Array:
    """Metabolic energy (kcal) behind mechanical work (J), at a gross efficiency of 0.24."""
    return np.asarray(work_joules, dtype=float) / 1000.0 / GROSS_EFFICIENCY / KJ_PER_KCAL


def _kj_per_minute(heart_rate_bpm: Array, sex: str, age_years: float, mass_kg: float, vo2max: float | None) -> Array:
    if vo2max is None:
        constant, per_bpm, per_kg, per_year = _PLAIN[sex]
        return constant + per_bpm * heart_rate_bpm + per_kg * mass_kg + per_year * age_years
    constant, per_bpm, per_vo2max, per_kg, per_year = _WITH_VO2MAX[sex]
    return constant + per_bpm * heart_rate_bpm + per_vo2max * vo2max + per_kg * mass_kg + per_year * age_years
