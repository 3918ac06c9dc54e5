"""Heart-rate stress score: TRIMP in units of an hour at threshold."""

from typing import Final

from pipelines.steps.trimp import banister
from schemas.directory import Sex

THRESHOLD_RESERVE_SHARE: Final = 0.85
"""Where the threshold lies in the reserve when nobody has measured it (Elevate's default)."""


def threshold_bpm(max_bpm: float, resting_bpm: float) -> float:
    """Estimated threshold heart rate: 85 % of heart-rate reserve."""
    return resting_bpm + THRESHOLD_RESERVE_SHARE * (max_bpm - resting_bpm)


def heart_rate_stress_score(
    trimp: float, max_bpm: float, resting_bpm: float, sex: Sex | None, threshold_heart_rate_bpm: float | None = None
) -> float:
    """100 × TRIMP ÷ the TRIMP of an hour at threshold heart rate (hrss; TrainingPeaks' hrTSS is its kin)."""
    threshold = threshold_heart_rate_bpm or threshold_bpm(max_bpm, resting_bpm)
    return 100.0 * trimp / banister(60.0, threshold, max_bpm, resting_bpm, sex)
