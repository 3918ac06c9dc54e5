"""Alerts that are over, kept small until their session is put away: somebody may still acknowledge one.

A long class has thousands of them, and every checkpoint holds them all.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Self

import msgspec

from schemas.alerts import Alert

SEALED_AT: Final = 64
"""So many of a session are compressed together, once and for good: 60 bytes an alert instead of 700."""
_decoder = msgspec.json.Decoder(list[Alert])


class ClearedAlerts:
    """By session and id; of one that was put again the newest counts."""

    def __init__(self) -> None:
        self._ids: dict[str, set[str]] = {}
        self._open: dict[str, dict[str, Alert]] = {}
        self._sealed: dict[str, list[bytes]] = {}

    def __contains__(self, alert: tuple[str, str]) -> bool:
        """Whether this session has, or had, this id."""
        session_id, alert_id = alert
        return alert_id in self._ids.get(session_id, ())

    def put(self, alert: Alert) -> None:
        """Keep one, or a newer state of one."""
        self._ids.setdefault(alert.session_id, set()).add(alert.alert_id)
        kept = self._open.setdefault(alert.session_id, {})
        kept[alert.alert_id] = alert
        if len(kept) >= SEALED_AT:
            self._sealed.setdefault(alert.session_id, []).append(zlib.compress(msgspec.json.encode(list(kept.values()))))
            kept.clear()

    def get(self, session_id: str, alert_id: str) -> Alert | None:
        """Its newest state."""
        if (session_id, alert_id) not in self:
            return None
        known = self._open[session_id].get(alert_id)
        blocks = reversed(self._sealed.get(session_id, [])) if known is None else ()
        return known or next(alert for block in blocks for alert in _unsealed(block) if alert.alert_id == alert_id)

    def counts(self, session_id: str) -> Counter[int | None]:
        """How many there are of each member; of the class under None."""
        blocks = (_unsealed(block) for block in self._sealed.get(session_id, []))
        newest = {alert.alert_id: alert.member_id for block in blocks for alert in block}
        newest |= {alert_id: alert.member_id for alert_id, alert in self._open.get(session_id, {}).items()}
        return Counter(newest.values())

    def forget(self, session_ids: Iterable[str]) -> None:
        """Drop all of these sessions."""
        for session_id in session_ids:
            self._ids.pop(session_id, None)
            self._open.pop(session_id, None)
            self._sealed.pop(session_id, None)

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        open_ones = [alert for kept in self._open.values() for alert in kept.values()]
        return {"open": msgspec.json.encode(open_ones), "sealed": {of: list(blocks) for of, blocks in self._sealed.items()}}

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """Those that `stored` described."""
        cleared = cls()
        for session_id, blocks in stored["sealed"].items():
            cleared._sealed[session_id] = list(blocks)
            cleared._open[session_id] = {}
            cleared._ids[session_id] = {alert.alert_id for block in blocks for alert in _unsealed(block)}
        for alert in _decoder.decode(stored["open"]):
            cleared.put(alert)
        return cleared


def _unsealed(block: bytes) -> list[Alert]:
    return _decoder.decode(zlib.decompress(block))
