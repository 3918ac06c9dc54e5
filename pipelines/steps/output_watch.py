"""Power and speed on their way to the alert rules: 10 s means of the few members for whom these are watched."""

from collections import deque
from dataclasses import dataclass, field
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

    def take(self, second: int, cell: int, value: int) -> tuple[int, float] | None:
        """One event in the order of arrival; the second that it closed and the mean up to there, if there is one.

        `cell` orders values within their second, as in the ring.
        """
        if second < self.second:
            return None
        if second == self.second:
            if cell > self.cell:
                self.cell, self.window[-1] = cell, (second, value)
            return None
        closed = self._mean()
        self.second, self.cell = second, cell
        self.window.append((second, value))
        return closed

    def _mean(self) -> tuple[int, float] | None:
        while self.window and self.window[0][0] <= self.second - MEAN_S:
            self.window.popleft()
        if len(self.window) < VALUES_MIN:
            return None
        return self.second, sum(value for _, value in self.window) / len(self.window)

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return {"second": self.second, "cell": self.cell, "window": list(self.window)}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The track that `stored` described."""
        return cls(stored["second"], stored["cell"], deque(stored["window"]))
