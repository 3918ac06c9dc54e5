"""Results as rows: alerts, member-minutes, summaries and their corrections."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from pipelines.arrow_schemas import SCHEMAS, rows_of
from pipelines.messages import Rows
from pipelines.steps.results import MemberMinute, SessionSummary
from schemas.alerts import Alert
from schemas.tables import ALERTS, CLASS_SUMMARIES, MEMBER_MINUTES, MEMBER_SUMMARIES, SUMMARY_CORRECTIONS, Table


def alert_rows(alerts: Sequence[Alert]) -> list[Rows]:
    """One row for every state of an alert; the table keeps the newest."""
    return _rows(ALERTS, [_alert_row(alert) for alert in alerts])


def minute_rows(minutes: Sequence[MemberMinute]) -> list[Rows]:
    """One row a member-minute."""
    return _rows(MEMBER_MINUTES, [vars(minute) for minute in minutes])


def summary_rows(summary: SessionSummary) -> list[Rows]:
    """The minutes that a recomputation made anew, the members' rows and, last, the class's row."""
    row = {name: value for name, value in vars(summary).items() if name in SCHEMAS[CLASS_SUMMARIES].names}
    class_row = row | {"summary": summary_json(summary)}
    return [
        *minute_rows(summary.minutes),
        *_rows(MEMBER_SUMMARIES, [asdict(member) for member in summary.members]),
        *_rows(CLASS_SUMMARIES, [class_row]),
    ]


def correction_rows(after: SessionSummary, before_json: str, reason: str) -> list[Rows]:
    """What a revision changed and why."""
    row = {
        "session_id": after.session_id,
        "revision": after.revision,
        "late_events": after.late_events,
        "reason": reason,
        "before": before_json,
        "after": summary_json(after),
    }
    return _rows(SUMMARY_CORRECTIONS, [row])


def summary_json(summary: SessionSummary) -> str:
    """The summary as the table keeps it."""
    return msgspec.json.encode(summary.summary, order="deterministic").decode()


def _rows(table: Table, rows: list[dict[str, Any]]) -> list[Rows]:
    if not rows:
        return []
    return [Rows(table, rows_of(table, rows))]


def _alert_row(alert: Alert) -> dict[str, Any]:
    body = alert.alert
    return {
        "alert_id": alert.alert_id,
        "session_id": alert.session_id,
        "class_id": alert.class_id or 0,
        "member_id": alert.member_id or 0,
        "member_name": alert.member_name,
        "rule": alert.rule,
        "severity": body.severity,
        "state": alert.state,
        "message": body.message,
        "suggested_action": body.suggested_action,
        "metric": body.metric,
        "current": body.current,
        "threshold": body.threshold,
        "raised_at": alert.raised_at_ms,
        "updated_at": alert.updated_at_ms,
        "cleared_at": alert.cleared_at_ms,
        "acknowledged_at": alert.acknowledged_at_ms,
        "acknowledged_by": alert.acknowledged_by or "",
        "repeated": alert.repeated,
        "version": alert.version,
    }
