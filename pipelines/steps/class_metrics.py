"""The class as a whole, out of its members' shown values."""

from typing import Any

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.intensity import HIGH_FROM, LOW_BELOW
from pipelines.steps.members import LIVE, STALE
from schemas.live import ClassMetrics


def class_metrics(
    *,
    session: Array,
    count: int,
    expected: Array,
    presence: Array,
    attended: Array,
    heart_rate_bpm: Array,
    zone: Array,
    intensity: Array,
    intensity_60s: Array,
) -> list[ClassMetrics]:
    """One `ClassMetrics` for each of `count` sessions.

    All but `expected` are columns of members with the position of their session. The heart rate is the mean of what live
    members show; intensity over the session is the mean over all who have one, of the last 60 s over those who are here.
    """
    live = (presence == LIVE) & ~np.isnan(heart_rate_bpm)
    here = (presence == LIVE) | (presence == STALE)
    low, medium = intensity < LOW_BELOW, (intensity >= LOW_BELOW) & (intensity < HIGH_FROM)
    active, came = _count(session, here, count), _count(session, attended, count)
    levels = [_count(session, level, count) for level in (low, medium, intensity >= HIGH_FROM)]
    keys = session[live] * 6 + zone[live].astype(np.int64)
    zones: list[Any] = [tuple(z) for z in np.bincount(keys, minlength=count * 6).reshape(count, 6).tolist()]
    beats = _mean(session, heart_rate_bpm, live, count, 1)
    overall = _mean(session, intensity, np.ones(len(session), dtype=bool), count, 2)
    lately = _mean(session, intensity_60s, here, count, 2)
    return [
        ClassMetrics(
            expected=int(expected[i]),
            active_members=active[i],
            attended=came[i],
            attendance_rate=round(came[i] / int(expected[i]), 3) if expected[i] else 0.0,
            avg_heart_rate_bpm=beats[i],
            avg_intensity=overall[i],
            avg_intensity_60s=lately[i],
            intensity_distribution={"low": levels[0][i], "medium": levels[1][i], "high": levels[2][i]},
            zone_counts=zones[i],
        )
        for i in range(count)
    ]


def _count(session: Array, chosen: Array, count: int) -> list[int]:
    found: list[int] = np.bincount(session[chosen], minlength=count).tolist()
    return found


def _mean(session: Array, values: Array, chosen: Array, count: int, decimals: int) -> list[float | None]:
    known = chosen & ~np.isnan(values)
    number = np.bincount(session[known], minlength=count)
    sums = np.bincount(session[known], weights=values[known], minlength=count)
    means = np.round(np.divide(sums, number, out=np.zeros(count), where=number > 0), decimals).tolist()
    return [mean if n else None for mean, n in zip(means, number, strict=True)]
