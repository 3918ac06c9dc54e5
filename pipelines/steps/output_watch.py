"""Power and speed on their way to the alert rules: 10 s of the few members for whom these are watched.

Power is judged by its mean, as every power zone is. Speed is judged by its median: satellites and foot pods jump for seconds at
a time, and a mean that carries such a jump for ten seconds tells of a pace that nobody ran.
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Self

MEAN_S: Final = 10
VALUES_MIN: Final = 5
"""A mean of fewer seconds is no mean."""


@dataclass
class OutputTrack:
    """One metric of one member; a second counts as it stood when the next one began."""

    second: int = -1
    cell: int = 0
    window: deque[tuple[int, int]] = field(default_factory=deque)
    """Closed seconds and their values, the last ten seconds of them."""
    by_median: bool = False

    def take(self, second: int, cell: int, value: int) -> tuple[int, float] | None:
        """One event in the order of arrival; the second that it closed and the mean or median up to there, if there is one.

        `cell` orders values within their second, as in the ring.
        """
        if second < self.second:
            return None
        if second == self.second:
            if cell > self.cell:
                self.cell, self.window[-1] = cell, (second, value)
            return None
        closed = self._level()
        self.second, self.cell = second, cell
        self.window.append((second, value))
        return closed

    def _level(self) -> tuple[int, float] | None:
        while self.window and self.window[0][0] <= self.second - MEAN_S:
            self.window.popleft()
        if len(self.window) < VALUES_MIN:
            return None
        values = [value for _, value in self.window]
        return self.second, median(values) if self.by_median else sum(values) / len(values)

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return {"second": self.second, "cell": self.cell, "window": list(self.window), "by_median": self.by_median}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The track that `stored` described."""
        return cls(stored["second"], stored["cell"], deque(stored["window"]), stored.get("by_median", False))
