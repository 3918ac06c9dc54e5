"""Heart-rate variability from RR intervals: artefacts out, then RMSSD, SDNN, pNN50 (Task Force 1996)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

PLAUSIBLE_MS: Final = (300, 2000)
DEVIATION_SHARE: Final = 0.2
REJECTED_SHARE_MAX: Final = 0.2
"""With more artefacts than this, no value is better than a wrong one."""
NEIGHBOURS: Final = 2
"""On each side: the local median is that of five beats, which one or two bad ones among them cannot move far."""
BEATS_MIN: Final = 20


@dataclass(frozen=True)
class Variability:
    """Of a series of beats; the values are none when too few or too many bad beats were left. Milliseconds, percent, share."""

    rmssd_ms: float | None
    sdnn_ms: float | None
    pnn50_percent: float | None
    rejected_share: float


def rmssd(rr_ms: ArrayLike) -> float:
    """Root mean square of successive differences, ms; of two intervals or more, taken as they are."""
    return float(np.sqrt(np.mean(np.diff(np.asarray(rr_ms, dtype=float)) ** 2)))


def sdnn(rr_ms: ArrayLike) -> float:
    """Standard deviation (n − 1) of the intervals, ms."""
    return float(np.std(np.asarray(rr_ms, dtype=float), ddof=1))


def pnn50(rr_ms: ArrayLike) -> float:
    """Percentage of successive differences beyond 50 ms."""
    return float(np.mean(np.abs(np.diff(np.asarray(rr_ms, dtype=float))) > 50.0) * 100.0)


def accepted_beats(rr_ms: Array, keys: Array) -> Array:
    """Which intervals are heartbeats: within 300–2000 ms and within 20 % of the median of the five beats around them.

    Beats of one series lie together under one key, in order. At the ends of a series the nearest five beats are used; in a
    series of less than five none is accepted.
    """
    size = len(rr_ms)
    if not size:
        return np.zeros(0, dtype=bool)
    lengths = np.diff(np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])))
    begin = np.repeat(np.cumsum(lengths) - lengths, lengths)
    end = begin + np.repeat(lengths, lengths)
    enough = end - begin >= 2 * NEIGHBOURS + 1
    centre = np.clip(np.arange(size), begin + NEIGHBOURS, np.maximum(end - NEIGHBOURS - 1, begin))
    around = (rr_ms[np.clip(centre + step, 0, size - 1)] for step in range(-NEIGHBOURS, NEIGHBOURS + 1))
    median = _median_of_five(*around)
    low, high = PLAUSIBLE_MS
    accepted: Array = enough & (rr_ms >= low) & (rr_ms <= high) & (np.abs(rr_ms - median) <= DEVIATION_SHARE * median)
    return accepted


def variability(rr_ms: ArrayLike) -> Variability:
    """RMSSD, SDNN, pNN50 of one unbroken series after artefact rejection; differences only between neighbours both accepted."""
    beats = np.asarray(rr_ms, dtype=np.int64)
    accepted = accepted_beats(beats, np.zeros(len(beats), dtype=np.int64))
    rejected_share = float(1.0 - accepted.mean()) if len(beats) else 0.0
    if not usable(int(accepted.sum()), len(beats)):
        return Variability(None, None, None, rejected_share)
    differences = np.diff(beats)[accepted[1:] & accepted[:-1]]
    return Variability(
        rmssd_ms=float(np.sqrt(np.mean(differences**2.0))),
        sdnn_ms=sdnn(beats[accepted]),
        pnn50_percent=float(np.mean(np.abs(differences) > 50) * 100.0),
        rejected_share=rejected_share,
    )


def usable(accepted: ArrayLike, beats: ArrayLike) -> Array:
    """Whether so many accepted of so many beats give a value worth showing."""
    good = np.asarray(accepted)
    usable_series: Array = (good >= BEATS_MIN) & (good >= (1.0 - REJECTED_SHARE_MAX) * np.asarray(beats))
    return usable_series


def _median_of_five(a: Array, b: Array, c: Array, d: Array, e: Array) -> Array:
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    median: Array = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
    return median
