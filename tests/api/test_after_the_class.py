"""What is shown of a class after its end: the same as live, and to a member nothing about others."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import orjson
import pytest

from api.app import create_app
from infra.settings import Settings
from infra.warehouse import insert_rows, open_client
from pipelines.result_rows import alert_rows
from pipelines.telemetry_rows import app_event_rows
from schemas.tables import ALERTS, APP_EVENTS
from tests.api.quiet_hub import QuietHub
from tests.api.running_api import QUICK_PASSWORDS, RunningApi
from tests.push.gym import Desk
from tests.push.samples import alert
from tests.running import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
async def later(api: RunningApi) -> AsyncIterator[httpx.AsyncClient]:
    """The trainer at an API that has seen nothing of it live."""
    app = create_app(api.settings, api.clock, lambda *_: QuietHub(), QUICK_PASSWORDS)
    transport, headers = httpx.ASGITransport(app), dict(api.as_("trainer").headers)
    async with httpx.AsyncClient(transport=transport, base_url="http://later.test", headers=headers) as client:
        yield client
    app.state.services.close()


def _ended(api: RunningApi, members: int = 3) -> str:
    class_id = api.new_class(members)
    session_id = api.start(class_id)
    api.end(class_id)
    return session_id


async def test_alerts_and_events_are_those_that_were_shown_live(
    api: RunningApi, later: httpx.AsyncClient, servers: Settings
) -> None:
    trainer, (first, second, stranger) = api.as_("trainer"), [api.club["members"][at]["id"] for at in (0, 1, 6)]
    class_id = api.new_class()
    session_id = api.start(class_id)
    flow = Desk(servers)
    of_class = alert(3, None, session_id, raised_at_ms=alert(2).raised_at_ms)
    for message in (alert(1, first, session_id), alert(2, second, session_id), of_class):
        flow.put(message)
    flow.put(alert(1, first, session_id, version=2, state="cleared", cleared_at_ms=alert(5).raised_at_ms))
    flow.flush()
    for what, body in (("checkins", {"member_id": stranger}), ("markers", {"marker_type": "lap"}), ("notes", {"text": "n"})):
        assert trainer.post(f"/api/v1/sessions/{session_id}/{what}", json=body).status_code == 202
    api.end(class_id)
    address = f"/api/v1/sessions/{session_id}"
    wait_until(lambda: len(trainer.get(f"{address}/events").json()["events"]) == 6, "all events live")
    wait_until(lambda: len(trainer.get(f"{address}/alerts").json()["alerts"]) == 3, "all alerts live")
    with open_client(servers, "writer") as client:  # as the flows store them
        events = api.services.hub.events(session_id)
        rows_of_events = app_event_rows(events, [msgspec.json.encode(event) for event in events])
        insert_rows(client, APP_EVENTS, rows_of_events)
        for rows in alert_rows(api.services.hub.alerts(session_id)):
            insert_rows(client, ALERTS, rows.rows)
    for what in ("alerts", "events"):
        assert (await later.get(f"{address}/{what}")).json() == trainer.get(f"{address}/{what}").json()


def _write_summary(settings: Settings, session_id: str, attended: int, members: list[dict[str, Any]]) -> None:
    told = {
        "attendance": {"expected": 8, "actual": attended},
        "intensity": {"average": 6.5, "distribution": {"low": 0, "medium": 2, "high": 0}},
        "member_achievements": [{"member_id": m["id"], "message": "strong"} for m in members],
        "absent": ["Somebody Else"],
        "energy_kcal": 900,
    }
    at = datetime(2026, 11, 21, tzinfo=UTC)
    whole = {
        "session_id": UUID(session_id),
        "class_id": 1,
        "class_name": "C",
        "class_type": "spin",
        "trainer_id": 1,
        "started_at": at,
        "ended_at": at,
        "expected": 8,
        "attended": attended,
        "average_intensity": 6.5,
        "alerts": 2,
        "summary": orjson.dumps(told).decode(),
        "revision": 1,
        "computed_from": "live",
    }
    row = {"session_id": UUID(session_id), "attended": True, "zone_s": [0.0] * 6, "revision": 1}
    with open_client(settings, "writer") as client:
        for table, rows in (
            ("class_summaries", [whole]),
            ("member_summaries", [row | {"member_id": m["id"], "member_name": m["name"]} for m in members]),
        ):
            client.insert(table, [list(one.values()) for one in rows], column_names=list(rows[0]))


@pytest.mark.parametrize(("attended", "tells"), [(4, False), (5, True)])
def test_a_member_reads_nothing_about_others_out_of_a_summary(api: RunningApi, attended: int, tells: bool) -> None:
    session_id = _ended(api)
    _write_summary(api.settings, session_id, attended, api.club["members"][:3])
    address = f"/api/v1/sessions/{session_id}/summary"
    whole, own = api.as_("trainer").get(address).json(), api.as_("member").get(address).json()
    me = api.club["member"]["id"]
    assert {m["member_id"] for m in own["members"] + own["member_achievements"]} == {me}
    assert (whole["absent"], "absent" in own) == (["Somebody Else"], False)
    assert own["attendance"] == whole["attendance"]
    for name in ("average_intensity", "intensity", "energy_kcal", "alerts"):
        assert (name in own) is tells, f"{name}: with fewer than five, a mean gives the others away"
    listed = {s["session_id"]: s for s in api.as_("member").get("/api/v1/sessions?limit=500").json()["sessions"]}
    assert (listed[session_id]["average_intensity"] is not None) is tells
