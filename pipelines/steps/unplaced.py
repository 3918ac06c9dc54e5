"""Readings without a row: late for sessions that were put away, or rejected with the reason."""

from collections.abc import Sequence

from pipelines.steps.shard_state import ShardState
from schemas.events import Reading


class Unplaced:
    """Says of each such reading what it is, and keeps the rejected ones until they are taken."""

    def __init__(self, state: ShardState) -> None:
        self._state = state
        self._rejected: list[tuple[Reading, str]] = []

    def take(self, readings: Sequence[Reading], now_ms: int) -> list[Reading]:
        """Note when they came; returns the late ones."""
        late = []
        for reading in readings:
            if reading.session_id in self._state.archive:
                self._state.archive[reading.session_id][1] = max(now_ms, 1)
                late.append(reading)
            else:
                known = reading.session_id in self._state.position
                self._rejected.append((reading, "unknown_member" if known else "unknown_session"))
        return late

    def take_rejected(self) -> list[tuple[Reading, str]]:
        """Those that belong nowhere since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected
