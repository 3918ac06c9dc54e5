"""The summary of the fake class, in the shape of the documented one (feature A5) with a row per member."""

from typing import Any

from tests.ui.fake_class import FakeClass, Person, iso

Json = dict[str, Any]
VARIATION = "Wide variation in member intensity levels. Consider more personalized instruction."


def summary_of(klass: FakeClass, ended_at_ms: int) -> Json:
    """A corrected summary: revision 2."""
    members = [_member(klass, person, person.row(ended_at_ms)) for person in klass.people]
    came = [member for member in members if member["attended"]]
    scores = [member["intensity"] for member in came]
    best = max(came, key=lambda member: member["intensity"])
    distribution = {
        "low": sum(score < 4 for score in scores),
        "medium": sum(4 <= score < 7 for score in scores),
        "high": sum(score >= 7 for score in scores),
    }
    attendance = f"Excellent attendance rate ({len(came)}/{len(members)} members)"
    praise = f"{best['member_name']} maintained very high intensity throughout class"
    return {
        "session_id": klass.session_id,
        "class_id": 7,
        "class_name": "Evening Spin",
        "class_type": "spinning",
        "date": iso(klass.started_at_ms)[:10],
        "started_at_ms": klass.started_at_ms,
        "ended_at_ms": ended_at_ms,
        "duration_minutes": (ended_at_ms - klass.started_at_ms) / 60_000,
        "attendance": {"expected": len(members), "actual": len(came)},
        "intensity": {"average": sum(scores) / len(scores), "distribution": distribution},
        "performance_highlights": [{"type": "high_attendance", "message": attendance}],
        "improvement_areas": [{"type": "inconsistent_intensity", "message": VARIATION}],
        "member_achievements": [{"type": "high_intensity", "member_id": best["member_id"], "message": praise}],
        "members": members,
        "alerts": len(klass.alerts),
        "late_events": 214,
        "revision": 2,
        "computed_from": "telemetry_raw",
    }


def _member(klass: FakeClass, person: Person, row: Json) -> Json:
    zone_s = [seconds * (1 + (person.member_id * (zone + 3)) % 5) / 3 for zone, seconds in enumerate(person.zone_s)]
    figures = ("heart_rate_avg_bpm", "heart_rate_max_bpm", "intensity", "trimp", "energy_kcal", "power_avg_watts")
    return {
        "member_id": person.member_id,
        "member_name": person.name,
        "attended": row["state"] != "no_strap",
        "zone_s": zone_s,
        "effort_points": row.get("effort_points", 0),
        "alerts": sum(alert["member_id"] == person.member_id for alert in klass.alerts.values()),
        **{name: row.get(name) for name in figures},
    }
