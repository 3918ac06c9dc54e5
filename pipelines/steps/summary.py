"""The class summary (feature A5): attendance, intensity, highlights, what to improve, who stood out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from pipelines.steps.batch import CADENCE_STEPS, SPEED_STEPS
from pipelines.steps.columns import Array
from pipelines.steps.effort import effort_points
from pipelines.steps.grid import Grid
from pipelines.steps.intensity import intensity_distribution
from pipelines.steps.live_columns import loads, ratio
from pipelines.steps.presence import newest_ms
from pipelines.steps.results import MemberSummary, SessionSummary
from pipelines.steps.session import Session

HIGH_CLASS: Final = 7.0
HIGH_MEMBER: Final = 8.0
GOOD_ATTENDANCE: Final = 0.9
LOW_ATTENDANCE: Final = 0.7


def summarise_session(
    session: Session, grid: Grid, *, revision: int, late_events: int, computed_from: str, alerts: Mapping[int, int]
) -> SessionSummary:
    """All rows about a session that ended; `alerts` are those raised, by member id, 0 for the class."""
    rows = np.array(list(session.rows.values()), dtype=np.int64)
    columns = _columns(grid, rows, session.record.started_at_ms // 1000 * 1000)
    members = [
        MemberSummary(
            session_id=session.record.session_id,
            class_id=session.class_id,
            member_name=session.people[values["member_id"]].name,
            alerts=alerts.get(values["member_id"], 0),
            revision=revision,
            computed_from=computed_from,
            **values,
        )
        for values in columns
    ]
    known = [member.intensity for member in members if member.intensity is not None]
    distribution = intensity_distribution(known)
    record, ended_at_ms = session.record, session.ended_at_ms or session.record.started_at_ms
    attended = sum(member.attended for member in members)
    average = float(np.mean(known)) if known else None
    return SessionSummary(
        session_id=record.session_id,
        class_id=session.class_id,
        class_name=record.class_name,
        class_type=record.class_type,
        trainer_id=record.trainer_id or 0,
        started_at=record.started_at_ms,
        ended_at=ended_at_ms,
        expected=len(record.participants),
        attended=attended,
        average_intensity=average,
        intensity_low=distribution["low"],
        intensity_medium=distribution["medium"],
        intensity_high=distribution["high"],
        alerts=sum(alerts.values()),
        summary=_document(session, members, ended_at_ms, average, distribution),
        late_events=late_events,
        revision=revision,
        computed_from=computed_from,
        members=tuple(members),
    )


def _columns(grid: Grid, rows: Array, started_ms: int) -> list[dict[str, Any]]:
    members, totals = grid.members, grid.present(rows)
    measured = totals.heart_rate_count > 0
    newest = newest_ms(members, rows)
    normalized = ratio(totals.fourth_power_sum, totals.fourth_power_count) ** 0.25
    device_m = grid.way.metres(rows)
    told = ~np.isnan(device_m)
    distance_m = np.where(told, device_m, totals.distance_mm / 1000.0)
    load = loads(grid, rows, totals)
    columns: dict[str, list[Any]] = {
        "member_id": members.member_id[rows].tolist(),
        "attended": ((newest >= 0) | members.checked_in[rows]).tolist(),
        "heart_rate_avg_bpm": _known(ratio(totals.heart_rate_sum, totals.heart_rate_count)),
        "heart_rate_max_bpm": [bpm or None for bpm in totals.heart_rate_max.tolist()],
        "zone_s": [tuple(seconds) for seconds in totals.zone_s.astype(float).tolist()],
        "intensity": _known(load["intensity"]),
        "effort_points": np.where(measured, effort_points(totals.zone_s), 0.0).tolist(),
        "trimp": _known(load["trimp"]),
        "energy_kcal": _known(load["energy_kcal"]),
        "power_avg_watts": _known(ratio(totals.power_sum, totals.power_count)),
        "power_max_watts": _where(totals.power_count > 0, totals.power_max),
        "normalized_power_watts": _known(normalized),
        "cadence_avg_rpm": _known(ratio(totals.cadence_sum, totals.cadence_count) / CADENCE_STEPS),
        "speed_avg_mps": _known(ratio(totals.speed_sum, totals.speed_count) / SPEED_STEPS),
        "distance_m": _where((totals.speed_count > 0) | told, distance_m),
        "rmssd_ms": _known(grid.beats.session(rows)),
        "seconds_seen": totals.seconds_seen.tolist(),
        "first_value_at": _where(newest >= 0, members.first_ms[rows] + started_ms),
        "last_value_at": _where(newest >= 0, newest + started_ms),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _document(
    session: Session, members: Sequence[MemberSummary], ended_at_ms: int, average: float | None, distribution: dict[str, int]
) -> dict[str, Any]:
    """The documented summary; what other documents do not name comes after."""
    record = session.record
    duration_ms = max(ended_at_ms - record.started_at_ms, 0)
    expected, actual = len(record.participants), sum(member.attended for member in members)
    energy = [member.energy_kcal for member in members if member.energy_kcal is not None]
    return {
        "class_id": record.class_id,
        "class_type": record.class_type,
        "date": datetime.fromtimestamp(record.started_at_ms / 1000, UTC).date().isoformat(),
        "duration_minutes": duration_ms / 60_000,
        "attendance": {"expected": expected, "actual": actual},
        "intensity": {"average": average, "distribution": distribution},
        "performance_highlights": _highlights(average, expected, actual),
        "improvement_areas": _improvements(expected, actual, distribution),
        "member_achievements": _achievements(members),
        "class_name": record.class_name,
        "trainer": record.trainer_name,
        "attendance_rate": round(actual / expected, 3) if expected else None,
        "effort_points": round(sum(member.effort_points for member in members), 1),
        "energy_kcal": round(sum(energy)) if energy else None,
        "absent": [m.member_name for m in members if not m.attended],
    }


def _highlights(average: float | None, expected: int, actual: int) -> list[dict[str, Any]]:
    found = []
    if average is not None and average > HIGH_CLASS:
        found.append({"type": "high_intensity", "message": f"High overall class intensity ({average:.1f}/10)"})
    if expected > 0 and actual / expected > GOOD_ATTENDANCE:
        share = f"{actual}/{expected} members, {actual / expected * 100:.0f}%"
        found.append({"type": "high_attendance", "message": f"Excellent attendance rate ({share})"})
    return found


def _improvements(expected: int, actual: int, distribution: dict[str, int]) -> list[dict[str, Any]]:
    found = []
    if expected > 0 and actual / expected < LOW_ATTENDANCE:
        share = f"{actual}/{expected} members, {actual / expected * 100:.0f}%"
        found.append({"type": "low_attendance", "message": f"Low attendance rate ({share})"})
    total = sum(distribution.values())
    if total > 3 and max(distribution.values()) / total < 0.5:
        message = "Wide variation in member intensity levels. Consider more personalized instruction."
        found.append({"type": "inconsistent_intensity", "message": message})
    return found


def _achievements(members: Sequence[MemberSummary]) -> list[dict[str, Any]]:
    found = [
        _achievement(member, "high_intensity", f"{member.member_name} maintained very high intensity throughout class")
        for member in members
        if member.intensity is not None and member.intensity > HIGH_MEMBER
    ]
    scored = [member for member in members if member.effort_points > 0]
    if len(scored) > 1:
        best = max(scored, key=lambda member: (member.effort_points, -member.member_id))
        points = f"{best.effort_points:.0f}"
        found.append(
            _achievement(best, "most_effort", f"{best.member_name} earned the most effort points of the class ({points})")
        )
    return found


def _achievement(member: MemberSummary, kind: str, message: str) -> dict[str, Any]:
    return {"member_id": member.member_id, "member_name": member.member_name, "type": kind, "message": message}


def _known(values: Array) -> list[float | None]:
    return _where(~np.isnan(values), values)


def _where(known: Array, values: Array) -> list[Any]:
    return [value if shown else None for value, shown in zip(values.tolist(), known.tolist(), strict=True)]
