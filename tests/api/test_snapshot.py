"""The documented shape of a class's snapshot, from known metrics."""

import pytest

from api.errors import NotFound
from api.snapshot import class_snapshot
from schemas.alerts import Alert, AlertBody, AlertRule
from schemas.directory import Participant, SessionRecord, Severity
from tests.api.quiet_hub import view

SESSION = "00000000-0000-4000-8000-000000000001"
START_MS = 1_790_000_000_000
FLOORS = (95, 114, 133, 152, 171)
RECORD = SessionRecord(
    session_id=SESSION,
    class_id=4,
    class_name="Morning Spin",
    class_type="spin",
    started_at_ms=START_MS,
    participants=tuple(Participant(member_id=n, name=f"M{n}", heart_rate_zone_floors_bpm=FLOORS) for n in (11, 12, 13)),
)
LIVE = view(
    SESSION,
    (11, 12, 13),
    ("Ana", "Ben", "Cai"),
    state=["live", "left", "no_strap"],
    heart_rate_bpm=[150, 120, None],
    heart_rate_at_ms=[START_MS + 59_000, START_MS + 10_000, None],
    heart_rate_avg_bpm=[141.5, 118.0, None],
    heart_rate_max_bpm=[162, 133, None],
    intensity=[6.5, 4.0, None],
    zone=[3, 2, None],
    power_watts=[210, None, None],
)


def _alert(rule: AlertRule, severity: Severity, member_id: int | None = None, state: str = "active") -> Alert:
    return Alert(
        alert_id=f"alert-{rule}",
        version=1,
        session_id=SESSION,
        class_id=4,
        member_id=member_id,
        member_name="Ana" if member_id else "",
        rule=rule,
        state="active" if state == "active" else "cleared",
        timestamp="2026-09-21T14:13:20Z",
        raised_at_ms=START_MS,
        updated_at_ms=START_MS,
        alert=AlertBody(
            severity=severity, message="so", metric="heart_rate_bpm", current=185, threshold=180, suggested_action="ease"
        ),
    )


def test_members_are_shown_by_source_with_derived_metrics() -> None:
    shown = class_snapshot(RECORD, LIVE, [], START_MS + 90_000, None)
    assert (shown["success"], shown["class_duration_minutes"]) == (True, 1.5)
    members = shown["metrics"]["member_metrics"]
    assert set(members) == {"11", "12"}
    assert members["11"] == {
        "name": "Ana",
        "state": "live",
        "heart_rate_monitor": {"heart_rate": 150, "timestamp_ms": START_MS + 59_000},
        "wearable_integration": {"power_watts": 210},
        "derived": {
            "heart_rate": 150,
            "avg_heart_rate": 141.5,
            "max_heart_rate": 162,
            "intensity_score": 6.5,
            "zone": 3,
        },
    }


def test_class_averages_leave_out_who_has_left() -> None:
    metrics = class_snapshot(RECORD, LIVE, [], START_MS, None)["metrics"]["class_metrics"]
    assert metrics == {
        "active_members": 3,
        "attendance_rate": 0.75,
        "expected_members": 3,
        "avg_heart_rate": 150,
        "avg_avg_heart_rate": 141.5,
        "avg_max_heart_rate": 162,
        "avg_intensity_score": 6.5,
    }


def test_active_alerts_become_insights_in_the_documented_words() -> None:
    alerts = [
        _alert("heart_rate_high", "critical", 11),
        _alert("class_intensity_high", "warning"),
        _alert("low_attendance", "info"),
        _alert("fatigue", "warning", 11, state="cleared"),
    ]
    insights = class_snapshot(RECORD, LIVE, alerts, START_MS, None)["insights"]
    assert [(i["type"], i["severity"]) for i in insights] == [
        ("member_alert", "high"),
        ("intensity", "medium"),
        ("attendance", "low"),
    ]
    assert (insights[0]["member_id"], insights[0]["member_name"]) == (11, "Ana")
    assert "member_id" not in insights[1]
    assert insights[0] | {"message": "so", "suggested_action": "ease", "acknowledged": False} == insights[0]


def test_before_the_first_value_there_is_a_snapshot_without_members() -> None:
    shown = class_snapshot(RECORD, None, [], START_MS + 1_000, None)
    assert shown["metrics"] == {
        "member_metrics": {},
        "class_metrics": {"active_members": 0, "attendance_rate": 0.0, "expected_members": 3},
    }


def test_a_member_sees_only_their_own_row() -> None:
    metrics = class_snapshot(RECORD, LIVE, [], START_MS, 11)["metrics"]
    assert set(metrics["member_metrics"]) == {"11"}
    assert [name for name in metrics["class_metrics"] if name.startswith("avg_")] == [], "three members' means tell too much"


def test_without_a_running_collection_there_is_none() -> None:
    with pytest.raises(NotFound) as refused:
        class_snapshot(None, None, [], START_MS, None)
    assert refused.value.kind == "no_active_collection"
