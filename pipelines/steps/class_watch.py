"""Class intensity on its way to the alert rules: member-seconds in slices of 10 s, judged when nobody is behind any more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.segments import first_of_run, running_maximum, stable_order

SLICE_S: Final = 10
SLICES: Final = 6
"""A mean over the last minute."""
PATIENCE: Final = 3
"""A slice is judged when the class has come so many slices further: 20 to 30 s for slow senders."""
SHARES: Final = 1_000
"""Intensity is summed up in thousandths, so that the order of members does not matter."""
SECONDS_MIN: Final = 30
"""Member-seconds below which a minute says nothing about a class."""


@dataclass
class ClassSlices:
    """One session's slices that can still matter."""

    sums: dict[int, list[int]] = field(default_factory=dict)
    newest: int = -1
    judged: int = -1

    def means(self) -> Iterator[tuple[int, float]]:
        """The end second of each slice that is complete now, with the mean intensity of the minute up to there."""
        begin, end = self.judged + 1, self.newest - PATIENCE
        self.judged = max(self.judged, end)
        for newest in range(max(begin, min(self.sums, default=begin)), end + 1):
            parts = [self.sums.get(at, (0, 0)) for at in range(newest - SLICES + 1, newest + 1)]
            count = sum(part[1] for part in parts)
            if count >= SECONDS_MIN:
                yield (newest + 1) * SLICE_S - 1, sum(part[0] for part in parts) / count / SHARES
        for at in [at for at in self.sums if at <= self.judged - SLICES]:
            del self.sums[at]

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return {"sums": {at: list(kept) for at, kept in self.sums.items()}, "newest": self.newest, "judged": self.judged}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The slices that `stored` described."""
        return cls({at: list(kept) for at, kept in stored["sums"].items()}, stored["newest"], stored["judged"])


def add_seconds(
    slices: dict[int, ClassSlices], session: Array, seconds: Array, intensity: Array, closed_at: Array
) -> list[ClassSlices]:
    """Put member-seconds into their sessions' slices, in the order in which they were closed; returns those that moved on."""
    sort = stable_order(closed_at)
    sort = sort[stable_order(session[sort])]
    session, at = session[sort], seconds[sort] // SLICE_S
    worth = np.rint(intensity[sort] * SHARES)
    first = first_of_run(session)
    newest = running_maximum(at, session, first, np.array([slices[int(s)].newest for s in session[first]]))
    in_time = np.flatnonzero(at > newest - PATIENCE)
    low, span = int(at.min()), int(at.max() - at.min()) + 1
    group = (np.cumsum(first) - 1)[in_time] * span + (at[in_time] - low)
    counts = np.bincount(group)
    totals = np.bincount(group, weights=worth[in_time])
    of_group, held = session[first], np.flatnonzero(counts)
    key = (of_group[held // span] << 32) + held % span + low
    totals, counts = totals[held].astype(np.int64), counts[held]
    touched = []
    for of, total, count in zip(key.tolist(), totals.tolist(), counts.tolist(), strict=True):
        kept = slices[of >> 32].sums.setdefault(of & 0xFFFFFFFF, [0, 0])
        kept[0] += total
        kept[1] += count
    last = np.flatnonzero(np.append(first[1:], True))
    for of, reached in zip(session[last].tolist(), newest[last].tolist(), strict=True):
        if reached > slices[of].newest:
            slices[of].newest = reached
            touched.append(slices[of])
    return touched
