"""The snapshot of a running class in the documented shape: members by source, derived metrics, class metrics, insights."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.directory.columns import iso
from api.errors import NotFound
from api.live_source import LiveView
from api.push.channels import CLASS_METRICS_FROM_ACTIVE
from schemas.alerts import Alert
from schemas.directory import SessionRecord

Json = dict[str, Any]
SEVERITIES = {"info": "low", "warning": "medium", "critical": "high"}
INSIGHT_TYPES = {
    "low_attendance": "attendance",
    "class_intensity_low": "intensity",
    "class_intensity_high": "intensity",
}
DERIVED = {
    "heart_rate": "heart_rate_bpm",
    "avg_heart_rate": "heart_rate_avg_bpm",
    "max_heart_rate": "heart_rate_max_bpm",
    "intensity_score": "intensity",
}
SOURCES = {
    "heart_rate_monitor": {"heart_rate": "heart_rate_bpm", "timestamp_ms": "heart_rate_at_ms", "rmssd_ms": "rmssd_ms"},
    "wearable_integration": {
        "power_watts": "power_watts",
        "cadence_rpm": "cadence_rpm",
        "speed_mps": "speed_mps",
        "calories_burned_so_far": "energy_kcal",
    },
}


def class_snapshot(
    record: SessionRecord | None, live: LiveView | None, alerts: Iterable[Alert], now_ms: int, member_id: int | None
) -> Json:
    """What is true of the class now; with `member_id`, of members only that one.

    Raises NotFound when nothing is collected.
    """
    if record is None:
        raise NotFound("No collection is active for this class.", kind="no_active_collection")
    members = _members(live) if live else {}
    class_metrics = _class_metrics(record, live, list(members.values()))
    if member_id is not None:
        members = {key: value for key, value in members.items() if key == str(member_id)}
        if class_metrics["active_members"] < CLASS_METRICS_FROM_ACTIVE:
            class_metrics = {name: value for name, value in class_metrics.items() if not name.startswith("avg_")}
    return {
        "success": True,
        "session_id": record.session_id,
        "class_id": record.class_id,
        "state": record.state,
        "timestamp": iso(now_ms),
        "class_duration_minutes": round(max(0, now_ms - record.started_at_ms) / 60_000, 2),
        "metrics": {"member_metrics": members, "class_metrics": class_metrics},
        "insights": [_insight(alert) for alert in alerts if alert.state == "active"],
    }


def _members(live: LiveView) -> dict[str, Json]:
    """Members of whom anything is known."""
    found: dict[str, Json] = {}
    for row, member in enumerate(live.members):
        sources = {source: _picked(live, row, fields) for source, fields in SOURCES.items()}
        sources = {source: values for source, values in sources.items() if values}
        if sources:
            state = _value(live, row, "state")
            zone = _value(live, row, "zone")
            found[str(member)] = {
                "name": live.names[row],
                "state": state,
                **sources,
                "derived": _picked(live, row, DERIVED) | ({} if zone is None else {"zone": zone}),
            }
    return found


def _picked(live: LiveView, row: int, fields: dict[str, str]) -> Json:
    values = {name: _value(live, row, column) for name, column in fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(live: LiveView, row: int, column: str) -> Any:
    values = live.columns.get(column)
    return values[row] if values else None


def _class_metrics(record: SessionRecord, live: LiveView | None, members: Sequence[Json]) -> Json:
    """Averages over the members whose signal is current; who has left no longer counts."""
    known = live.class_metrics if live else None
    active = [member["derived"] for member in members if member["state"] in {"live", "stale"}]
    metrics: Json = {
        "active_members": known.active_members if known else len(active),
        "attendance_rate": known.attendance_rate if known else 0.0,
        "expected_members": len(record.participants),
    }
    for name in DERIVED:
        values = [derived[name] for derived in active if name in derived]
        if values:
            metrics[f"avg_{name}"] = round(sum(values) / len(values), 2)
    return metrics


def _insight(alert: Alert) -> Json:
    body = alert.alert
    insight: Json = {
        "insight_id": alert.alert_id,
        "type": INSIGHT_TYPES.get(alert.rule, "member_alert"),
        "rule": alert.rule,
        "severity": SEVERITIES[body.severity],
        "message": body.message,
        "suggested_action": body.suggested_action,
        "timestamp": alert.timestamp,
        "metric": body.metric,
        "current": body.current,
        "threshold": body.threshold,
        "acknowledged": alert.acknowledged_at_ms is not None,
        "acknowledged_by": alert.acknowledged_by,
    }
    who = {} if alert.member_id is None else {"member_id": alert.member_id, "member_name": alert.member_name}
    return insight | who
