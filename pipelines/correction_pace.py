"""How often a session's summary is computed anew, while late data trickle in."""

from collections.abc import Callable, Mapping
from typing import Final

FIRST_PAUSE_MS: Final = 30_000
LONGEST_PAUSE_MS: Final = 240_000


class CorrectionPace:
    """The first computation is due at once; between two of one session lie 30 s, twice as long each time while more keep
    coming, 4 min at most. Who was quiet for as long as the last pause begins anew. Times are the caller's clock, in ms."""

    def __init__(self, stored: Mapping[str, tuple[int, int]] | None = None) -> None:
        self._done: dict[str, tuple[int, int]] = {session_id: (at, pause) for session_id, (at, pause) in (stored or {}).items()}
        """Session → when it was computed last, and the pause after that."""

    def stored(self) -> dict[str, tuple[int, int]]:
        """For a checkpoint."""
        return dict(self._done)

    def computed(self, session_id: str, now_ms: int) -> None:
        """A computation is over, whatever came of it."""
        at_ms, pause_ms = self._done.get(session_id, (0, 0))
        goes_on = bool(pause_ms) and now_ms - at_ms < 2 * pause_ms
        self._done[session_id] = (now_ms, min(2 * pause_ms, LONGEST_PAUSE_MS) if goes_on else FIRST_PAUSE_MS)

    def is_due(self, session_id: str, now_ms: int) -> bool:
        """Whether it may be computed now; after a clock that was set back, too."""
        at_ms, pause_ms = self._done.get(session_id, (0, 0))
        return not 0 <= now_ms - at_ms < pause_ms

    def forget(self, over: Callable[[str], bool]) -> None:
        """Drop what is kept about sessions that are over for good."""
        self._done = {session_id: done for session_id, done in self._done.items() if not over(session_id)}
