"""Time in zone: how the seconds between samples are shared out among zones."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array
from pipelines.steps.zones import zone_of

GAP_S: Final = 10
"""A longer interval between two samples is a gap: nobody knows what happened in it, so it counts nowhere."""


def interval_seconds(seconds: ArrayLike, gap_s: float = GAP_S) -> Array:
    """Length of the interval that each sample ends (s); 0 for the first sample and after a gap. Seconds ascend."""
    at = np.asarray(seconds, dtype=float)
    lengths = np.diff(at, prepend=at[:1])
    return np.where(lengths > gap_s, 0.0, lengths)


def time_in_zones(seconds: ArrayLike, values: ArrayLike, floors: ArrayLike, gap_s: float = GAP_S) -> Array:
    """Seconds in zones 0 to n for n ascending lower bounds.

    An interval belongs to the sample that ends it, as Elevate (time-in-zones.service) and the live flow count: what a
    strap reports is the mean of the time before its notification. A device that records every second and pauses by itself
    says so by shorter gaps: `gap_s` is for its recordings.
    """
    zones = zone_of(values, floors)
    return np.bincount(zones, weights=interval_seconds(seconds, gap_s), minlength=len(np.asarray(floors)) + 1)
