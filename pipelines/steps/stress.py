"""Stress level, 0 to 100, from heart rate, variability, pupils and breath."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

POINTS: Final = {"heart_rate": 40.0, "variability": 30.0, "pupil_dilation_rate": 20.0, "respiratory_rate": 10.0}
"""What each input can give at most (fitness-module, "Stress Level Detection")."""
RMSSD_MS: Final = (19.0, 75.0)
"""Range of healthy adults at rest (Nunan 2010): at or below the first all points, from the second on none."""
DILATION_MM_S: Final = (0.0, 1.0)
BREATHS_A_MINUTE: Final = (12.0, 30.0)
"""From calm breathing to the bound at which guides speak of distress."""
BANDS: Final = ((0.0, "Very Relaxed"), (20.0, "Relaxed"), (40.0, "Normal"), (60.0, "Stressed"), (80.0, "Very Stressed"))


@dataclass(frozen=True)
class Stress:
    """`level` 0 to 100 with its band; `missing` inputs gave no points, theirs were shared out among the rest."""

    level: float
    interpretation: str
    missing: tuple[str, ...]


def stress(
    *,
    heart_rate_bpm: float | None = None,
    resting_bpm: float = 60.0,
    max_bpm: float = 190.0,
    rmssd_ms: float | None = None,
    pupil_dilation_mm_s: float | None = None,
    breaths_a_minute: float | None = None,
) -> Stress | None:
    """40 points for heart rate over resting, 30 for low variability, 20 for pupils that widen, 10 for breath.

    None without any input. Each share is linear between its bounds and held to 0–1. `resting_bpm` below `max_bpm`.
    """
    low_ms, high_ms = RMSSD_MS
    shares = {
        "heart_rate": _share(heart_rate_bpm, resting_bpm, max_bpm),
        "variability": _share(rmssd_ms, high_ms, low_ms),
        "pupil_dilation_rate": _share(pupil_dilation_mm_s, *DILATION_MM_S),
        "respiratory_rate": _share(breaths_a_minute, *BREATHS_A_MINUTE),
    }
    return _sum_up(shares)


def _sum_up(shares: Mapping[str, float | None]) -> Stress | None:
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return None
    level = 100.0 * sum(POINTS[name] * share for name, share in known.items()) / sum(POINTS[name] for name in known)
    return Stress(level, _band(level), tuple(name for name in shares if name not in known))


def _share(value: float | None, none: float, full: float) -> float | None:
    return None if value is None else min(max((value - none) / (full - none), 0.0), 1.0)


def _band(level: float) -> str:
    """A level on a bound belongs to the higher band."""
    return next((name for (_, name), (above, _) in pairwise(BANDS) if level < above), BANDS[-1][1])
