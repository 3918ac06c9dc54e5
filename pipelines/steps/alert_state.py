"""The life of an alert: observed, raised, repeated, acknowledged, over.

One alert is active per member and rule. Which state follows depends on observations and their own times only, so a flow that
repeats a stretch of the log makes the same alerts with the same ids.
"""

from collections import Counter
from typing import Any, Final, Self

import msgspec
from msgspec.structs import replace

from pipelines.steps.alert_track import Sighting, Track, Verdict
from pipelines.steps.alerts import SEEN_SHARE, AlertConfig
from pipelines.steps.cleared_alerts import ClearedAlerts
from pipelines.steps.session import Session
from pipelines.steps.timestamps import iso_utc
from schemas.alerts import Alert, AlertBody, AlertRule
from schemas.events import AlertAcknowledged

CLASS: Final = 0
"""Stands for the class where a member id is expected."""
EARLY_MAX: Final = 1_000
SESSION_ID_LENGTH: Final = 36
"""Alert ids begin with that of their session."""
_ACKNOWLEDGED: Final = 100
_CLEARED: Final = 1_000

Key = tuple[str, int, AlertRule]
"""Session, member, rule."""


class AlertBook:
    """All alerts of all sessions of a shard, and those about to be raised."""

    def __init__(self, config: AlertConfig) -> None:
        self.config = config
        self._tracks: dict[Key, Track] = {}
        self._alerts: dict[str, Alert] = {}
        """Newest state of every active alert of the sessions held."""
        self._cleared = ClearedAlerts()
        self._early: dict[str, tuple[int, str]] = {}
        """Acknowledgements that came before their alert, which happens when a flow repeats a stretch."""
        self._news: list[Alert] = []

    def track(self, key: Key) -> Track | None:
        """What is known of this member under this rule."""
        return self._tracks.get(key)

    def active(self, key: Key) -> Alert | None:
        """The active alert, if there is one."""
        track = self._tracks.get(key)
        return self._alerts[track.alert_id] if track and track.alert_id else None

    def all_active(self, rule: AlertRule) -> list[Alert]:
        """Active alerts of a rule."""
        found = [track.alert_id for key, track in self._tracks.items() if key[2] == rule and track.alert_id]
        return [self._alerts[alert_id] for alert_id in found]

    def known(self, alert_id: str) -> bool:
        """Whether there is or was such an alert."""
        return alert_id in self._alerts or (alert_id[:SESSION_ID_LENGTH], alert_id) in self._cleared

    def observe(self, key: Key, second: int, sighting: Sighting, *, held_back: bool) -> int | None:
        """Take one observation in. Returns for how many seconds the rule has held when it is time to raise an alert."""
        rule = self.config.rules[key[2]]
        track = self._tracks.get(key)
        if track is None:
            if sighting.verdict is not Verdict.OUTSIDE or held_back:
                return None
            track = self._tracks[key] = Track()
        if second - track.last > rule.gap_s:
            track.outside_since = track.inside_since = None
        track.last = second
        if track.alert_id is not None:
            self._toward_the_end(key, track, second, sighting.verdict)
            return None
        if sighting.verdict is not Verdict.OUTSIDE or held_back:
            track.contrary += rule.every_s
            if held_back or track.contrary > rule.stray_s:
                track.outside_since = None
            return None
        held = track.hold(second)
        seen_s = (track.outside_seen - 1) * rule.every_s
        due = held >= rule.hold_s and seen_s >= SEEN_SHARE * rule.hold_s and second >= track.quiet_until
        return held if due else None

    def raise_alert(self, session: Session, key: Key, second: int, sighting: Sighting, message: str) -> None:
        """Raise the alert that `observe` asked for; without an observation the caller decides."""
        session_id, member_id, rule_name = key
        rule = self.config.rules[rule_name]
        alert_id = self.id_of(session, key, second)
        if self.known(alert_id):
            return
        track = self._tracks.setdefault(key, Track())
        track.alert_id, track.outside_since, track.inside_since, track.last = alert_id, None, None, second
        person = session.people.get(member_id)
        alert = Alert(
            alert_id=alert_id,
            version=1,
            session_id=session_id,
            class_id=session.record.class_id,
            member_id=member_id or None,
            member_name=person.name if person else "",
            rule=rule_name,
            state="active",
            timestamp=iso_utc(second * 1000),
            raised_at_ms=second * 1000,
            updated_at_ms=second * 1000,
            alert=AlertBody(
                severity=rule.severity,
                message=message,
                metric=rule.metric,
                current=round(sighting.value, 3),
                threshold=round(sighting.bound, 3),
                suggested_action=rule.action,
            ),
        )
        session.alerts_by_member[member_id] = session.alerts_by_member.get(member_id, 0) + 1
        self._tell(alert)
        if alert_id in self._early:
            at_ms, name = self._early.pop(alert_id)
            self._mark_acknowledged(alert, at_ms, name)

    def clear(self, key: Key, second: int) -> None:
        """The alert is over, if there is one, and what was about to become one is forgotten."""
        track = self._tracks.get(key)
        if track is None or track.alert_id is None:
            if track is not None:
                track.outside_since = None
            return
        alert = self._alerts[track.alert_id]
        at_ms = max(second * 1000, alert.raised_at_ms)
        track.alert_id = track.outside_since = track.inside_since = track.told_ms = None
        track.quiet_until = second + self.config.rules[key[2]].cooldown_s
        self._tell(replace(alert, state="cleared", cleared_at_ms=at_ms, updated_at_ms=at_ms))

    def recall(self, alert: Alert) -> bool:
        """Take up an alert that was told and then forgotten, as it was last told; false when it is known."""
        if self.known(alert.alert_id):
            return False
        self._keep(alert)
        key: Key = (alert.session_id, alert.member_id or CLASS, alert.rule)
        track = self._tracks.setdefault(key, Track())
        if alert.state == "active":
            track.alert_id, track.last = alert.alert_id, alert.raised_at_ms // 1000
        elif alert.cleared_at_ms is not None:
            track.quiet_until = max(track.quiet_until, alert.cleared_at_ms // 1000 + self.config.rules[alert.rule].cooldown_s)
        return True

    def counts(self, session_id: str) -> dict[int, int]:
        """How many alerts are known of each member of a session."""
        found = Counter(alert.member_id for alert in self._alerts.values() if alert.session_id == session_id)
        return {member_id or CLASS: count for member_id, count in (found + self._cleared.counts(session_id)).items()}

    def acknowledge(self, event: AlertAcknowledged) -> None:
        """Somebody has seen it. Again, or for an alert that never comes: nothing happens."""
        alert = self._alerts.get(event.alert_id) or self._cleared.get(event.session_id, event.alert_id)
        if alert is None:
            if len(self._early) < EARLY_MAX:
                self._early[event.alert_id] = (event.event_time_ms, _who(event))
        elif alert.acknowledged_at_ms is None:
            self._mark_acknowledged(alert, event.event_time_ms, _who(event))

    def repeat(self, now_ms: int, paused: set[str]) -> None:
        """Tell again what nobody has acknowledged for a while; what is merely worth knowing is told once."""
        for track in self._tracks.values():
            alert = self._alerts[track.alert_id] if track.alert_id else None
            if alert is None or alert.acknowledged_at_ms is not None or alert.session_id in paused:
                continue
            if alert.alert.severity == "info":
                continue
            track.told_ms = now_ms if track.told_ms is None else track.told_ms
            after_ms = self.config.repeat_every_ms * (alert.repeated + 1)
            if now_ms >= track.told_ms + after_ms and alert.repeated < self.config.repeats_max:
                self._tell(replace(alert, repeated=alert.repeated + 1, updated_at_ms=alert.raised_at_ms + after_ms))

    def end(self, session_id: str, ended_at_ms: int) -> None:
        """The session is over, and so are its alerts."""
        for key in [key for key in self._tracks if key[0] == session_id]:
            self.clear(key, ended_at_ms // 1000)
            del self._tracks[key]

    def forget(self, session_ids: set[str]) -> None:
        """Drop what is kept about sessions put away."""
        self._alerts = {alert_id: alert for alert_id, alert in self._alerts.items() if alert.session_id not in session_ids}
        self._cleared.forget(session_ids)
        early = self._early.items()
        self._early = {alert_id: kept for alert_id, kept in early if alert_id[:SESSION_ID_LENGTH] not in session_ids}

    def take(self) -> list[Alert]:
        """New states since the last call."""
        news, self._news = self._news, []
        return news

    def busy(self) -> list[Key]:
        """Keys with something pending or active."""
        return [key for key, track in self._tracks.items() if not track.idle]

    def id_of(self, session: Session, key: Key, second: int) -> str:
        """Session, member, rule and second (from the session's start): the same whenever it is made."""
        return f"{key[0]}:{key[1]}:{self.config.rules[key[2]].code}:{second - session.started_s}"

    def stored(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return {
            "tracks": [(*key, dict(vars(track))) for key, track in self._tracks.items()],
            "alerts": msgspec.json.encode(list(self._alerts.values())),
            "cleared": self._cleared.stored(),
            "early": dict(self._early),
            "news": msgspec.json.encode(self._news),
        }

    @classmethod
    def of_stored(cls, config: AlertConfig, stored: dict[str, Any]) -> Self:
        """The book that `stored` described."""
        book = cls(config)
        book._tracks = {(session, member, rule): Track(**track) for session, member, rule, track in stored["tracks"]}
        if "cleared" in stored:  # earlier programs kept all alerts together
            book._cleared = ClearedAlerts.of_stored(stored["cleared"])
        for alert in msgspec.json.decode(stored["alerts"], type=list[Alert]):
            book._keep(alert)
        book._early = dict(stored["early"])
        book._news = msgspec.json.decode(stored["news"], type=list[Alert])
        return book

    def _toward_the_end(self, key: Key, track: Track, second: int, verdict: Verdict) -> None:
        if verdict is not Verdict.INSIDE:
            track.inside_since = None
            return
        track.inside_since = second if track.inside_since is None else track.inside_since
        if second - track.inside_since >= self.config.rules[key[2]].clear_s:
            self.clear(key, second)

    def _mark_acknowledged(self, alert: Alert, at_ms: int, name: str) -> None:
        at_ms = max(at_ms, alert.raised_at_ms)
        self._tell(
            replace(alert, acknowledged_at_ms=at_ms, acknowledged_by=name, updated_at_ms=max(at_ms, alert.updated_at_ms))
        )

    def _tell(self, alert: Alert) -> None:
        """Versions come from what the state is, not from how many there were: a repeated stretch numbers them alike."""
        acknowledged = _ACKNOWLEDGED if alert.acknowledged_at_ms is not None else 0
        cleared = _CLEARED if alert.state == "cleared" else 0
        told = replace(alert, version=1 + alert.repeated + acknowledged + cleared)
        self._keep(told)
        self._news.append(told)

    def _keep(self, alert: Alert) -> None:
        if alert.state == "cleared":
            self._alerts.pop(alert.alert_id, None)
            self._cleared.put(alert)
        else:
            self._alerts[alert.alert_id] = alert


def _who(event: AlertAcknowledged) -> str:
    return event.actor_name or (f"user {event.actor_id}" if event.actor_id is not None else "the system")
