"""The last messages of one stream channel, shared by all its readers; each reader holds only a cursor into it."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

from api.push.frame import Frame

KEPT_MESSAGES = 1_000
KEPT_MS = 5 * 60_000
KEPT_BYTES = 4 * 1_048_576


@dataclass(frozen=True, slots=True)
class Entry:
    """One message: its place in the log, who of the members may see it, and its frame for those who see everything."""

    offset: int
    previous: int | None
    at_ms: int
    audience: int | None
    """The one member who may see it, `EVERYONE`, or none: the staff only."""
    frame: Frame
    body_at: int
    """Where in the frame's text the envelope (type, channel, offset, previous) ends."""

    @property
    def bytes_held(self) -> int:
        return len(self.frame.text)

    def visible_to(self, member_id: int | None) -> bool:
        """Whether this reader may see it; none stands for the staff."""
        return member_id is None or self.audience in {EVERYONE, member_id}


EVERYONE = 0


class Ring:
    """Messages in the order of their offsets. Complete: whatever the channel got after `complete_after` is in it.

    Cursors count messages since the ring began; `base` is the cursor of the oldest message kept and `end` that of the next to
    come. A cursor below `base` has fallen off.
    """

    def __init__(self, complete_after: int) -> None:
        self.complete_after = complete_after
        self.base = 0
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def end(self) -> int:
        return self.base + len(self._entries)

    def at(self, cursor: int) -> Entry:
        """The message under a cursor from `base` to `end` - 1."""
        return self._entries[cursor - self.base]

    def append(self, entry: Entry) -> None:
        """Take the newest message in and let go of what is too much."""
        self._entries.append(entry)
        self._bytes += entry.bytes_held
        while len(self._entries) > KEPT_MESSAGES or (self._bytes > KEPT_BYTES and len(self._entries) > 1):
            self._drop_oldest()

    def trim(self, now_ms: int) -> None:
        """Let go of what is too old."""
        while self._entries and self._entries[0].at_ms < now_ms - KEPT_MS:
            self._drop_oldest()

    def forget(self, complete_after: int) -> None:
        """The log has a hole up to this offset: nothing before it can be proven any more."""
        self.base = self.end + 1  # a step more than there were messages, so that readers at the end see the hole too
        self._entries.clear()
        self._bytes = 0
        self.complete_after = complete_after

    def locate(self, offset: int) -> int | None:
        """The cursor behind an offset, or none when the messages after it are not all here."""
        if offset < self.complete_after:
            return None
        return self.base + bisect_right(self._entries, offset, key=lambda entry: entry.offset)

    def _drop_oldest(self) -> None:
        gone = self._entries.popleft()
        self._bytes -= gone.bytes_held
        self.base += 1
        self.complete_after = gone.offset
