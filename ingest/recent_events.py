"""The ids of events that were published lately, so that the same event sent twice counts once."""

from collections.abc import Collection, Hashable

from infra.acknowledging_producer import Sending

EventKey = tuple[int, str]
"""Member (0 for app events) and event id: nobody can occupy another member's ids."""


class RecentEvents:
    """Which sending carried each event, for at least `keep_ms` unless more than `capacity` events come in that time.

    Two generations: the older one is dropped as a whole, so remembering and forgetting cost the same however full it is.
    """

    def __init__(self, capacity: int = 300_000, keep_ms: int = 10 * 60_000) -> None:
        self._capacity = capacity
        self._keep_ms = keep_ms
        self._young: dict[EventKey, Sending] = {}
        self._old: dict[EventKey, Sending] = {}
        self._young_since_ms = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, key: EventKey) -> Sending | None:
        """The sending that carried this event, when it is remembered."""
        return self._young.get(key) or self._old.get(key)

    def none_of(self, keys: Collection[EventKey]) -> bool:
        """Whether not one of these events is remembered."""
        return self._young.keys().isdisjoint(keys) and self._old.keys().isdisjoint(keys)

    def remember(self, keys: Collection[EventKey], sending: Sending, now_ms: int) -> None:
        """Note that these events are on their way."""
        if len(self._young) + len(keys) > self._capacity // 2 or now_ms - self._young_since_ms > self._keep_ms:
            self._old, self._young, self._young_since_ms = self._young, {}, now_ms
        self._young.update(dict.fromkeys(keys, sending))

    def forget(self, key: Hashable) -> None:
        """The event did not arrive: it may be sent again."""
        self._young.pop(key, None)  # type: ignore[call-overload]  # names of messages come back as Hashable
        self._old.pop(key, None)  # type: ignore[call-overload]  # as above
