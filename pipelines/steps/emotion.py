"""Emotional state by likeness to eight described states: pupils, blinks, gaze, heart."""

from dataclasses import dataclass
from typing import Final

import numpy as np

FEATURES: Final = ("pupil_mm", "dilation_mm_s", "blinks_a_minute", "gaze_stability_percent", "heart_rate_bpm")
SCALES: Final = (1.0, 0.1, 6.0, 20.0, 40.0)
"""So far apart two values are clearly different."""
STATES: Final[dict[str, tuple[float, ...]]] = {
    "relaxed": (3.0, 0.03, 16.0, 65.0, 70.0),
    "calm": (3.8, 0.05, 15.0, 85.0, 75.0),
    "neutral": (4.2, 0.08, 17.0, 65.0, 90.0),
    "focused": (5.0, 0.12, 12.0, 85.0, 125.0),
    "engaged": (6.0, 0.30, 14.0, 75.0, 145.0),
    "stressed": (7.0, 0.50, 28.0, 55.0, 160.0),
    "anxious": (5.5, 0.40, 24.0, 25.0, 140.0),
    "fatigued": (3.5, 0.02, 30.0, 45.0, 100.0),
}
"""The module's words in numbers: small or slightly large pupils, low or high blink rate, steady or unstable gaze …"""
SHARPNESS: Final = 8.0
"""Of the softmax; set so that the documented example has its documented confidence."""


@dataclass(frozen=True)
class Emotion:
    """The most likely state, and by how much (0–1) it is likelier than the next."""

    state: str
    confidence: float


def emotion(
    pupil_mm: float | None = None,
    dilation_mm_s: float | None = None,
    blinks_a_minute: float | None = None,
    gaze_stability_percent: float | None = None,
    heart_rate_bpm: float | None = None,
) -> Emotion | None:
    """The state whose prototype lies nearest; an input that is missing compares nothing, and without any there is no state.

    A description, not a diagnosis: the prototypes are the fitness module's words, not the outcome of a study.
    """
    given = (pupil_mm, dilation_mm_s, blinks_a_minute, gaze_stability_percent, heart_rate_bpm)
    values = np.array([np.nan if value is None else value for value in given])
    if np.isnan(values).all():
        return None
    deviations = (values - np.array(list(STATES.values()))) / np.array(SCALES)
    nearness = -SHARPNESS * np.nanmean(deviations**2, axis=1)
    likely = np.exp(nearness - nearness.max())
    likely /= likely.sum()
    best, next_best = np.sort(likely)[::-1][:2]
    return Emotion(list(STATES)[int(likely.argmax())], float(best - next_best))
