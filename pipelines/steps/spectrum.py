"""Heart-rate variability in the frequency domain: power of slow and fast swings of the RR intervals."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

SAMPLING_HZ: Final = 4.0
SEGMENT: Final = 256
LOW_HZ: Final = (0.04, 0.15)
HIGH_HZ: Final = (0.15, 0.40)
SHORTEST_S: Final = 120
"""The slow swings need two minutes; five are the norm (Task Force 1996)."""


@dataclass(frozen=True)
class Spectrum:
    """Power of the low (0.04–0.15 Hz) and high (0.15–0.40 Hz) bands, ms²."""

    low_ms2: float
    high_ms2: float

    @property
    def ratio(self) -> float | None:
        return self.low_ms2 / self.high_ms2 if self.high_ms2 > 0 else None


def spectrum(rr_ms: ArrayLike) -> Spectrum | None:
    """Low and high band of a series of RR intervals (Task Force 1996); none below two minutes.

    The tachogram is drawn evenly at 4 Hz (linear) and its power estimated by Welch's method: Hann windows of 64 s that
    overlap by half, each without its mean. Meaningful at rest: exercise is not stationary.
    """
    intervals = np.asarray(rr_ms, dtype=float)
    at_s = np.cumsum(intervals) / 1000.0
    if not len(at_s) or at_s[-1] - at_s[0] < SHORTEST_S:
        return None
    even_s = np.arange(at_s[0], at_s[-1], 1.0 / SAMPLING_HZ)
    frequency, density = _welch(np.interp(even_s, at_s, intervals))
    low, high = (_area(frequency, density, band) for band in (LOW_HZ, HIGH_HZ))
    return Spectrum(low, high)


def _welch(values: Array) -> tuple[Array, Array]:
    """One-sided power spectral density (unit² a Hz) by Welch's method."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SEGMENT) / SEGMENT)
    parts = np.lib.stride_tricks.sliding_window_view(values, SEGMENT)[:: SEGMENT // 2]
    parts = (parts - parts.mean(axis=1, keepdims=True)) * window
    density = np.mean(np.abs(np.fft.rfft(parts, axis=1)) ** 2, axis=0) / (SAMPLING_HZ * np.sum(window**2))
    density[1:-1] *= 2
    return np.fft.rfftfreq(SEGMENT, 1.0 / SAMPLING_HZ), density


def _area(frequency: Array, density: Array, band: tuple[float, float]) -> float:
    inside = (frequency >= band[0]) & (frequency < band[1])
    return float(np.trapezoid(density[inside], frequency[inside]))
