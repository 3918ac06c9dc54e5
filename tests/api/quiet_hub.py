"""A hub that stands still, filled by hand: what routes show of it can then be foretold."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api.live_source import LiveView
from api.push.hub import LiveView as View
from schemas.alerts import Alert
from schemas.events import AppEvent
from schemas.live import ClassMetrics


@dataclass
class QuietHub:
    """Implements api.live_source.LiveSource."""

    views: dict[str, View] = field(default_factory=dict)
    known_alerts: list[Alert] = field(default_factory=list)
    known_events: list[AppEvent] = field(default_factory=list)
    intensity: list[tuple[int, float]] = field(default_factory=list)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def ready(self) -> bool:
        return True

    def listen_synthetic(self, listener: Callable[[str], None]) -> None:
        pass

    def live(self, session_id: str) -> LiveView | None:
        return self.views.get(session_id)

    def alerts(self, session_id: str, member_id: int | None = None) -> list[Alert]:
        return [a for a in self.known_alerts if a.session_id == session_id and member_id in {None, a.member_id}]

    def events(self, session_id: str, member_id: int | None = None) -> list[AppEvent]:
        return [e for e in self.known_events if e.session_id == session_id and member_id in {None, e.member_id}]

    def intensity_history(self, session_id: str) -> list[tuple[int, float]]:
        return self.intensity

    def complete(self, session_id: str) -> bool:
        return True

    def positions(self, session_id: str) -> dict[str, dict[str, Any]]:
        return {f"alerts:{session_id}": {"epoch": "e", "offset": 5}}

    def position_of_user(self, user_id: int) -> dict[str, dict[str, Any]]:
        return {f"user:{user_id}": {"epoch": "e", "offset": 7}}


def view(session_id: str, members: tuple[int, ...], names: tuple[str, ...], **columns: list[Any]) -> View:
    """Present metrics with the columns given."""
    metrics = ClassMetrics(
        expected=len(members) + 1,
        active_members=len(members),
        attended=len(members),
        attendance_rate=len(members) / (len(members) + 1),
        avg_heart_rate_bpm=None,
        avg_intensity=None,
        avg_intensity_60s=None,
        intensity_distribution={"low": 0, "medium": 0, "high": 0},
        zone_counts=(0, 0, 0, 0, 0, 0),
    )
    return View(session_id, 3, 1_790_000_000_000, 1_790_000_000_050, "active", members, names, columns, metrics)
