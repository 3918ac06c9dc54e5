"""What is known of one session besides its metrics: present alerts, events so far, the class's intensity over time."""

from collections import deque
from typing import Any

from msgspec import to_builtins

from api.push.channels import iso
from api.push.ring import EVERYONE
from schemas.alerts import Alert
from schemas.events import (
    AppEvent,
    MarkerAdded,
    NoteAdded,
    SessionEnded,
    SessionOpened,
    SessionPaused,
    SessionResumed,
    SessionStarted,
)
from schemas.live import LiveUpdate

ALERTS_MAX = 2_000
EVENTS_MAX = 2_000
INTENSITY_EVERY_MS = 5_000
INTENSITY_POINTS_MAX = 1_440
OF_THE_CLASS = (SessionOpened, SessionStarted, SessionPaused, SessionResumed, SessionEnded, MarkerAdded)


class SessionBook:
    """Filled from the log in order; a message read twice changes nothing. `complete` until something had to be let go."""

    def __init__(self, alerts_max: int = ALERTS_MAX, events_max: int = EVENTS_MAX) -> None:
        self.complete = True
        self._alerts_max = alerts_max
        self._events_max = events_max
        self.alerts: dict[str, Alert] = {}
        self.events: dict[str, AppEvent] = {}
        self.intensity: deque[tuple[int, float]] = deque(maxlen=INTENSITY_POINTS_MAX)

    def take_alert(self, alert: Alert) -> bool:
        """Keep the newest version of each alert; of too many, cleared ones go first. Whether it is news."""
        known = self.alerts.get(alert.alert_id)
        if known is not None and known.version >= alert.version:
            return False
        self.alerts[alert.alert_id] = alert
        if len(self.alerts) > self._alerts_max:
            self.complete = False
            cleared = (alert_id for alert_id, kept in self.alerts.items() if kept.state == "cleared")
            self.alerts.pop(next(cleared, next(iter(self.alerts))))
        return True

    def take_event(self, event: AppEvent) -> bool:
        """Keep it; whether it is news."""
        if event.event_id in self.events:
            return False
        self.events[event.event_id] = event
        if len(self.events) > self._events_max:
            self.complete = False
            self.events.pop(next(iter(self.events)))
        return True

    def take_live(self, update: LiveUpdate) -> None:
        """Note the class's intensity every five seconds of the class's own time."""
        value = update.class_metrics.avg_intensity_60s
        if value is not None and (not self.intensity or update.event_time_ms >= self.intensity[-1][0] + INTENSITY_EVERY_MS):
            self.intensity.append((update.event_time_ms, value))

    def present_alerts(self, member_id: int | None = None) -> list[Alert]:
        """Newest first; of one member when asked as a member."""
        seen = [alert for alert in self.alerts.values() if member_id is None or alert.member_id == member_id]
        return sorted(seen, key=lambda alert: (alert.raised_at_ms, alert.alert_id), reverse=True)

    def seen_events(self, member_id: int | None = None) -> list[AppEvent]:
        """In the order in which they came."""
        return [e for e in self.events.values() if member_id is None or event_audience(e) in {EVERYONE, member_id}]


def event_audience(event: AppEvent) -> int | None:
    """Who besides the staff may see an event: what concerns the class everyone, what concerns a member that member, and
    notes nobody: they are the trainer's."""
    if isinstance(event, OF_THE_CLASS):
        return EVERYONE
    return None if isinstance(event, NoteAdded) else event.member_id


def alert_audience(alert: Alert) -> int | None:
    """Who besides the staff may see an alert: the member whom it is about."""
    return alert.member_id


def event_shown(event: AppEvent) -> dict[str, Any]:
    """An event as clients get it, with every field named."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in {"schema_version", "session_id"}}
    return {"type": str(event.__struct_config__.tag), **{name: to_builtins(value) for name, value in fields.items()}}


def event_message(event: AppEvent) -> dict[str, Any]:
    """The part of a `session_event` behind its envelope."""
    return {"session_id": event.session_id, "timestamp": iso(event.event_time_ms), "event": event_shown(event)}
