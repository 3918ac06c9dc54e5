"""Channels: a stream keeps its last messages in a ring, metrics only what is true now. Both encode once for all readers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from api.push.channel_names import ChannelName
from api.push.frame import Frame
from api.push.metrics_cache import MetricsCache, Rows
from api.push.ring import Entry, Ring

CLASS_METRICS_FROM_ACTIVE = 5
"""With fewer active members, a member could read another's values out of the class's mean."""


class StreamChannel:
    """One stream: ring, epoch, and `head`, the offset up to which this process has read the log behind it."""

    def __init__(self, name: ChannelName, epoch: str, complete_after: int) -> None:
        self.name = name
        self.epoch = epoch
        self.head = complete_after
        self.ring = Ring(complete_after)
        self._last_offset: int | None = None

    @property
    def last_offset(self) -> int:
        """The offset of the newest message, or -1."""
        return -1 if self._last_offset is None else self._last_offset

    def publish(self, offset: int, at_ms: int, kind: str, body: bytes, audience: int | None) -> None:
        """Add one message; `body` is its JSON object without the opening brace."""
        envelope = self._envelope(kind, offset, self._last_offset)
        frame = Frame(kind, envelope + body)
        self.ring.append(Entry(offset, self._last_offset, at_ms, audience, frame, len(envelope)))
        self._last_offset = offset
        self.head = max(self.head, offset)

    def forget(self, complete_after: int) -> None:
        """The log has a hole up to this offset."""
        self.ring.forget(complete_after)
        self.head = max(self.head, complete_after)
        self._last_offset = None

    def frame_after(self, entry: Entry, previous: int) -> Frame:
        """The message as a reader gets it who does not see everything: `previous` is what that reader got before."""
        kind = entry.frame.kind
        return Frame(kind, self._envelope(kind, entry.offset, previous) + entry.frame.text[entry.body_at :], for_one=True)

    def locate(self, epoch: str | None, offset: int | None) -> int | None:
        """The cursor behind a reader's position, or none when it cannot be proven that nothing is missing."""
        if epoch != self.epoch or offset is None or offset > self.head:
            return None
        return self.ring.locate(offset)

    def _envelope(self, kind: str, offset: int, previous: int | None) -> bytes:
        shown = "null" if previous is None else previous
        return f'{{"type":"{kind}","channel":"{self.name}","offset":{offset},"previous":{shown},'.encode()


class MetricsChannel:
    """The present metrics of one session, with the encodings that readers at the same version share."""

    def __init__(self, name: ChannelName) -> None:
        self.name = name
        self.cache = MetricsCache()
        self._shared: dict[tuple[int | None, int | None], Frame] = {}
        self._shared_version = 0
        self._told_version = 0
        self._timestamp = ""
        self._of_class = orjson.Fragment(b"null")

    def take_concerned(self) -> list[int] | None:
        """Members whose own row changed since the last call; none when everyone is concerned."""
        since, self._told_version = self._told_version, self.cache.version
        return self.cache.members_concerned(since)

    def frame(self, since: int | None, member_id: int | None) -> Frame | None:
        """What brings a reader from version `since` (none: from nothing) to the present, or none when nothing concerns them."""
        cache = self.cache
        if not cache.version:
            return None
        if since is not None and since < cache.layout_version:
            since = None
        if member_id is not None:
            row = cache.row_of(member_id)
            if row is None or (since is not None and not cache.concerns(row, since)):
                return None
        if self._shared_version != cache.version:
            self._share()
        found = self._shared.get((since, member_id))
        if found is None:
            found = self._shared[since, member_id] = self._encode(since, member_id)
        return found

    def _share(self) -> None:
        """Begin anew with what all readers of the present version are told alike."""
        self._shared.clear()
        self._shared_version = self.cache.version
        self._timestamp = iso(self.cache.event_time_ms)
        self._of_class = orjson.Fragment(msgspec.json.encode(self.cache.class_metrics))

    def _encode(self, since: int | None, member_id: int | None) -> Frame:
        cache = self.cache
        shown, places = self._rows(since, member_id)
        names = list(cache.columns) if since is None else cache.changed_columns(since)
        key = since is None
        message: dict[str, Any] = {
            "type": "metrics_update",
            "channel": str(self.name),
            "session_id": self.name.key,
            "timestamp": self._timestamp,
            "version": cache.version,
            "from": since,
            "kind": "key" if key else "delta",
            "event_time_ms": cache.event_time_ms,
            "received_time_ms": cache.received_time_ms,
            "session_state": cache.session_state,
            "rows": places,
            "members": [cache.members[row] for row in shown] if key else [],
            "names": [cache.names[row] for row in shown] if key else [],
            "columns": self._columns(shown, names),
            "class_metrics": self._class_metrics(member_id),
        }
        return Frame("metrics_update", orjson.dumps(message), for_one=member_id is not None)

    def _rows(self, since: int | None, member_id: int | None) -> tuple[Rows, Rows]:
        """Rows to be shown and the positions under which the reader knows them: a member's only row is their row 0."""
        if member_id is not None:
            row = self.cache.row_of(member_id)
            return ([], []) if row is None else ([row], [0])
        rows = list(range(len(self.cache.members))) if since is None else self.cache.changed_rows(since)
        return rows, rows

    def _columns(self, shown: Rows, names: Iterable[str]) -> dict[str, list[Any]]:
        columns = self.cache.columns
        if len(shown) == 1:  # a thousand phones are told of one row each
            [row] = shown
            return {name: [columns[name][row]] for name in names}
        return {name: [columns[name][row] for row in shown] for name in names} if shown else {}

    def _class_metrics(self, member_id: int | None) -> orjson.Fragment | None:
        shown = self.cache.class_metrics
        if shown is None or (member_id is not None and shown.active_members < CLASS_METRICS_FROM_ACTIVE):
            return None
        return self._of_class


def iso(at_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 UTC."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
