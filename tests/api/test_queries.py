"""Each question to the warehouse: its SQL kept as a file, its answer checked against rows put there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.queries import (
    alert_known,
    class_summary,
    member_series,
    past_sessions,
    session_alerts,
    session_events,
    session_intensity,
)
from infra.errors import Unavailable
from infra.settings import Settings
from infra.warehouse import open_client
from infra.warehouse_reader import WarehouseReader
from tests.running import free_ports

GOLDEN = Path(__file__).parent / "golden"
SQL = {
    "alert_known": alert_known.SQL,
    "class_summary_class": class_summary.CLASS_SQL,
    "class_summary_corrections": class_summary.CORRECTIONS_SQL,
    "class_summary_members": class_summary.MEMBERS_SQL,
    "member_series_heart_rate": member_series.sql("heart_rate_bpm"),
    "past_sessions": past_sessions.SQL,
    "session_alerts": session_alerts.SQL,
    "session_events": session_events.SQL,
    "session_intensity": session_intensity.SQL,
}
SECOND_S = 1_763_712_000
"""2025-11-21 08:00:00 UTC"""


@pytest.mark.parametrize("name", SQL)
def test_the_sql_is_the_kept_one(name: str) -> None:
    assert SQL[name] + "\n" == (GOLDEN / f"{name}.sql").read_text(), f"if meant, write it to tests/api/golden/{name}.sql"


def test_only_known_metrics_reach_the_sql() -> None:
    with pytest.raises(KeyError):
        member_series.sql("1; DROP TABLE telemetry_1s")


Insert = Callable[[str, list[dict[str, Any]]], None]


@pytest.fixture(scope="module")
def insert(warehouse_only: Settings) -> Iterator[Insert]:
    """Put rows into a table as its writer does."""
    with open_client(warehouse_only, "writer") as client:

        def put(table: str, rows: list[dict[str, Any]]) -> None:
            names = list(rows[0])
            client.insert(table, [[row[name] for name in names] for row in rows], column_names=names)

        yield put


@pytest.fixture(scope="module")
def warehouse(warehouse_only: Settings) -> Iterator[WarehouseReader]:
    reader = WarehouseReader(warehouse_only)
    yield reader
    reader.close()


@pytest.fixture
def session_id() -> str:
    return str(uuid4())


@pytest.mark.servers
def test_a_series_is_the_mean_of_each_step_that_has_a_value(
    insert: Insert, warehouse: WarehouseReader, session_id: str
) -> None:
    rates = [100, 110, None, 130, None, None, 160]
    rows = [
        {"member_id": member, "session_id": UUID(session_id), "ts": SECOND_S + n, "heart_rate_bpm": rate}
        for member in (1, 2)
        for n, rate in enumerate(rates)
        if rate is not None
    ]
    power = [{"member_id": 1, "session_id": UUID(session_id), "ts": SECOND_S + 1, "power_watts": 200}]
    insert("telemetry_1s", rows)
    insert("telemetry_1s", power)

    def series(metric: str, step_s: int) -> list[tuple[int, float]]:
        return member_series.member_series(warehouse, member_id=1, session_id=session_id, metric=metric, step_s=step_s)

    start_ms = SECOND_S * 1000
    by_second = [(0, 100), (1000, 110), (3000, 130), (6000, 160)]
    assert series("heart_rate_bpm", 1) == [(start_ms + at, value) for at, value in by_second]
    assert series("heart_rate_bpm", 5) == [(start_ms, 113.333), (start_ms + 5000, 160)]
    assert series("power_watts", 60) == [(start_ms, 200)]


def _alert_row(session_id: str, alert_id: str, **changes: Any) -> dict[str, Any]:
    row = {
        "alert_id": alert_id,
        "session_id": UUID(session_id),
        "class_id": 3,
        "member_id": 9,
        "member_name": "Ana",
        "rule": "heart_rate_high",
        "severity": "warning",
        "state": "active",
        "message": "high",
        "suggested_action": "ease",
        "metric": "heart_rate_bpm",
        "current": 185.0,
        "threshold": 180.0,
        "raised_at": SECOND_S + 0.25,
        "updated_at": SECOND_S + 0.25,
        "cleared_at": None,
        "acknowledged_at": None,
        "acknowledged_by": "",
        "repeated": 0,
        "version": 1,
    }
    return row | changes


@pytest.mark.servers
def test_alerts_come_newest_first_in_their_newest_version(insert: Insert, warehouse: WarehouseReader, session_id: str) -> None:
    def at(seconds: float) -> datetime:
        return datetime.fromtimestamp(SECOND_S + seconds, UTC)

    first = {"raised_at": at(0.25), "updated_at": at(0.25)}
    cleared = {"state": "cleared", "version": 2, "raised_at": at(0.25), "updated_at": at(9), "cleared_at": at(9)}
    acknowledged = {"acknowledged_at": at(5), "acknowledged_by": "Nora"}
    insert("alerts", [_alert_row(session_id, "alert-one", **first)])
    insert("alerts", [_alert_row(session_id, "alert-one", **cleared, **acknowledged)])
    of_class = {"member_id": 0, "member_name": "", "rule": "low_attendance", "raised_at": at(3), "updated_at": at(3)}
    insert("alerts", [_alert_row(session_id, "alert-two", **of_class)])
    found = session_alerts.session_alerts(warehouse, session_id=session_id)
    assert [(a.alert_id, a.version, a.state, a.member_id) for a in found] == [
        ("alert-two", 1, "active", None),
        ("alert-one", 2, "cleared", 9),
    ]
    one = found[1]
    assert one.raised_at_ms == SECOND_S * 1000 + 250
    assert (one.cleared_at_ms, one.acknowledged_by) == (SECOND_S * 1000 + 9000, "Nora")
    assert (one.alert.current, one.alert.threshold, one.alert.suggested_action) == (185, 180, "ease")
    assert alert_known.alert_known(warehouse, session_id=session_id, alert_id="alert-one")
    assert not alert_known.alert_known(warehouse, session_id=session_id, alert_id="alert-six")
    assert not alert_known.alert_known(warehouse, session_id=str(uuid4()), alert_id="alert-one")


@pytest.mark.servers
def test_stored_events_come_back_whole_and_an_unreadable_one_hides_none(
    insert: Insert, warehouse: WarehouseReader, session_id: str
) -> None:
    def row(number: int, body: str) -> dict[str, Any]:
        at = datetime.fromtimestamp(SECOND_S + number, UTC)
        return {
            "event_id": f"event-{number:04}",
            "session_id": UUID(session_id),
            "class_id": 3,
            "member_id": 0,
            "actor_id": 1,
            "type": "marker_added",
            "ts": at,
            "received_at": at,
            "body": body,
        }

    marker = '{"type":"marker_added","event_id":"event-%04d","session_id":"%s","event_time_ms":5,"marker_type":"lap"}'
    insert("app_events", [row(2, marker % (2, session_id)), row(1, "{"), row(0, marker % (0, session_id))])
    found = session_events.session_events(warehouse, session_id=session_id)
    assert [event.event_id for event in found] == ["event-0000", "event-0002"]


@pytest.mark.servers
def test_intensity_is_the_members_mean_minute_by_minute(insert: Insert, warehouse: WarehouseReader, session_id: str) -> None:
    values = {(1, 0): 4.0, (2, 0): 6.0, (1, 1): 7.0, (2, 1): None}
    rows = [
        {
            "session_id": UUID(session_id),
            "class_id": 1,
            "member_id": member,
            "minute": SECOND_S + 60 * minute,
            "intensity": value,
            "version": 1,
        }
        for (member, minute), value in values.items()
    ]
    insert("member_minutes", rows)
    insert("member_minutes", [rows[0] | {"intensity": 5.0, "version": 2}])
    found = session_intensity.session_intensity(warehouse, session_id=session_id)
    assert found == [((SECOND_S + 60) * 1000, 5.5), ((SECOND_S + 120) * 1000, 7.0)]
    crowded = session_intensity.session_intensity(warehouse, session_id=session_id, members_min=2)
    assert crowded == [((SECOND_S + 60) * 1000, 5.5)], "a minute with fewer members is left out"


@pytest.mark.servers
def test_a_summary_is_its_newest_revision_with_a_row_for_each_member(
    insert: Insert, warehouse: WarehouseReader, session_id: str
) -> None:
    whole = {
        "session_id": UUID(session_id),
        "class_id": 3,
        "class_name": "Spin",
        "class_type": "spin",
        "trainer_id": 4,
        "started_at": datetime.fromtimestamp(SECOND_S, UTC),
        "ended_at": datetime.fromtimestamp(SECOND_S + 60, UTC),
        "expected": 3,
        "attended": 2,
        "average_intensity": 5.5,
        "alerts": 1,
        "summary": '{"date": "2025-11-21", "attendance": {"expected": 3, "actual": 2}}',
        "late_events": 0,
        "revision": 1,
        "computed_from": "live",
    }
    assert class_summary.class_summary(warehouse, session_id=session_id) is None
    insert("class_summaries", [whole])
    insert("class_summaries", [whole | {"revision": 2, "late_events": 7, "computed_from": "telemetry_raw"}])
    members = [
        {
            "session_id": UUID(session_id),
            "member_id": n,
            "member_name": name,
            "attended": True,
            "zone_s": [1.0] * 6,
            "revision": 1,
        }
        for n, name in ((1, "Zoe"), (2, "Abe"))
    ]
    insert("member_summaries", members)
    why = {"revision": 2, "late_events": 7, "reason": "7 events came late"}
    insert("summary_corrections", [why | {"session_id": UUID(session_id), "before": "{}", "after": "{}"}])
    found = class_summary.class_summary(warehouse, session_id=session_id)
    assert found is not None
    assert (found["revision"], found["late_events"], found["date"]) == (2, 7, "2025-11-21")
    assert found["corrections"] == [why]
    assert (found["started_at_ms"], found["ended_at_ms"]) == (SECOND_S * 1000, (SECOND_S + 60) * 1000)
    assert [(m["member_name"], m["zone_s"]) for m in found["members"]] == [("Abe", [1.0] * 6), ("Zoe", [1.0] * 6)]
    figures = past_sessions.past_sessions(warehouse, session_ids=[session_id, str(uuid4())])
    assert figures == {session_id: {"expected": 3, "attended": 2, "average_intensity": 5.5, "alerts": 1}}
    assert past_sessions.past_sessions(warehouse, session_ids=[]) == {}


@pytest.mark.servers
def test_a_warehouse_that_is_away_is_unavailable_and_may_come_back(warehouse_only: Settings) -> None:
    (port,) = free_ports(1)
    reader = WarehouseReader(warehouse_only.model_copy(update={"clickhouse": f"http://127.0.0.1:{port}/paceline"}))
    with pytest.raises(Unavailable):
        reader.rows("SELECT 1", {})
    assert not reader.answers()
