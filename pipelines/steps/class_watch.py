"""Class intensity on its way to the alert rules: member-seconds in slices of 10 s, judged when nobody is behind any more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.segments import running_maximum, stable_order, starts_of_runs

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


class OpenSlices(Table):
    """One row a session: what came for the slices that are not judged yet, by their number modulo `PATIENCE`."""

    newest: Array = column(np.int64, fill=-1)
    sums: Array = column(np.int64, PATIENCE)
    counts: Array = column(np.int64, PATIENCE)


class ClassWatch:
    """The slices of all sessions, by position. What comes for slices that are open anyway is added up in columns."""

    def __init__(self) -> None:
        self._slices: list[ClassSlices] = []
        self._open = OpenSlices()

    def __len__(self) -> int:
        return len(self._slices)

    def append(self, slices: ClassSlices) -> None:
        """The next position's slices."""
        self._slices.append(slices)
        self._open.grow(1)
        self._open.newest[-1] = slices.newest

    def take(self, session: Array, seconds: Array, intensity: Array, closed_at: Array) -> list[tuple[int, ClassSlices]]:
        """Member-seconds as `add_seconds` has them; the positions and slices of sessions that moved on."""
        at, newest = seconds // SLICE_S, self._open.newest[session]
        odd = (at > newest) | (at <= newest - PATIENCE)
        if not odd.any():
            self._add(session, at, intensity)
            return []
        moving = np.zeros(len(self), dtype=bool)
        moving[session[odd]] = True
        chosen = moving[session]
        self._add(session[~chosen], at[~chosen], intensity[~chosen])
        positions = np.flatnonzero(moving).tolist()
        self.settle(positions)
        of_position = {of: self._slices[of] for of in positions}
        moved = add_seconds(of_position, session[chosen], seconds[chosen], intensity[chosen], closed_at[chosen])
        self._open.newest[positions] = [slices.newest for slices in of_position.values()]
        moved_on = {id(slices) for slices in moved}
        return [(of, slices) for of, slices in of_position.items() if id(slices) in moved_on]

    def settle(self, positions: Iterable[int] | None = None) -> None:
        """Put what was added up into the slices themselves, of these sessions or of all."""
        for of in range(len(self)) if positions is None else positions:
            slices, kept = self._slices[of], self._open.counts[of].tolist()
            for at in range(slices.newest - PATIENCE + 1, slices.newest + 1) if any(kept) else ():
                if kept[at % PATIENCE]:
                    sums = slices.sums.setdefault(at, [0, 0])
                    sums[0] += int(self._open.sums[of, at % PATIENCE])
                    sums[1] += kept[at % PATIENCE]
            self._open.sums[of] = self._open.counts[of] = 0

    def _add(self, session: Array, at: Array, intensity: Array) -> None:
        place = session * PATIENCE + at % PATIENCE
        np.add.at(self._open.sums.reshape(-1), place, np.rint(intensity * SHARES).astype(np.int64))
        np.add.at(self._open.counts.reshape(-1), place, 1)


def add_seconds(
    slices: dict[int, ClassSlices], session: Array, seconds: Array, intensity: Array, closed_at: Array
) -> list[ClassSlices]:
    """Put member-seconds into their sessions' slices, in the order in which they were closed; returns those that moved on."""
    at, worth = seconds // SLICE_S, np.rint(intensity * SHARES)
    newest = np.full(max(slices) + 1, -1, dtype=np.int64)
    for of, kept in slices.items():
        newest[of] = kept.newest
    starts, reached = starts_of_runs(session), newest.copy()
    np.maximum.at(reached, session[starts], np.maximum.reduceat(at, starts))
    in_time = at > reached[session] - PATIENCE
    if not in_time.all():
        in_time = _in_time(session, at, newest, closed_at)
        session, at, worth = session[in_time], at[in_time], worth[in_time]
        if not len(at):
            return []
    low, span = int(at.min()), int(at.max() - at.min()) + 1
    group = session * span + (at - low)
    counts, totals = np.bincount(group), np.bincount(group, weights=worth)
    held = np.flatnonzero(counts)
    numbers = (held // span, held % span + low, totals[held].astype(np.int64), counts[held])
    for of, slice_at, total, count in zip(*(part.tolist() for part in numbers), strict=True):
        sums = slices[of].sums.setdefault(slice_at, [0, 0])
        sums[0] += total
        sums[1] += count
    moved = np.flatnonzero(reached > newest).tolist()
    for of in moved:
        slices[of].newest = int(reached[of])
    return [slices[of] for of in moved]


def _in_time(session: Array, at: Array, newest: Array, closed_at: Array) -> Array:
    """Which member-seconds came before their session had moved on without them."""
    sort = stable_order(closed_at)
    sort = sort[stable_order(session[sort])]
    of, starts = session[sort], starts_of_runs(session[sort])
    stood = running_maximum(at[sort], of, starts, newest[of[starts]])
    in_time = np.empty(len(at), dtype=bool)
    in_time[sort] = at[sort] > stood - PATIENCE
    return in_time
