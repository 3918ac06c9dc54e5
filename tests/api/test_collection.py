"""A class's data collection over REST."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from api.directory.columns import iso
from api.directory.models import CollectionLog
from tests.api.running_api import RunningApi

pytestmark = pytest.mark.servers


def test_a_class_starts_pauses_resumes_and_ends(api: RunningApi) -> None:
    class_id = api.new_class()
    trainer = api.as_("trainer")
    started = trainer.post(f"/api/v1/classes/{class_id}/start", json={})
    assert started.status_code == 201
    body = started.json()
    assert body["state"] == "active"
    assert body["session_info"]["expected_member_count"] == 3
    assert "heart_rate_monitor" in body["session_info"]["active_data_sources"]
    assert trainer.post(f"/api/v1/classes/{class_id}/pause").json()["state"] == "paused"
    assert trainer.post(f"/api/v1/classes/{class_id}/resume").json()["state"] == "active"
    listed = {c["id"]: c for c in trainer.get("/api/v1/classes").json()["classes"]}[class_id]
    assert listed["session"]["session_id"] == body["session_id"]
    ended = trainer.post(f"/api/v1/classes/{class_id}/end", json={"reason": "enough"}).json()
    assert ended["state"] == "completed"
    assert ended["summary_url"] == f"/api/v1/sessions/{body['session_id']}/summary"
    after = trainer.get(f"/api/v1/classes/{class_id}").json()
    assert (after["session"], after["last_session_id"]) == (None, body["session_id"])
    pending = trainer.get(ended["summary_url"])
    assert (pending.status_code, pending.json()["type"]) == (404, "summary_pending")
    assert pending.headers["Retry-After"] == "1"


def test_of_two_starts_at_once_one_wins(api: RunningApi) -> None:
    class_id = api.new_class()
    trainer = api.as_("trainer")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: trainer.post(f"/api/v1/classes/{class_id}/start", json={}), range(6)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409, 409]
    refused = next(a for a in answers if a.status_code == 409)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "collection_active"
    api.end(class_id)


def test_who_was_switched_off_does_not_keep_a_class_from_starting(api: RunningApi) -> None:
    admin = api.as_("admin")
    gone = admin.post("/api/v1/users", json={"email": f"{uuid4().hex}@x.example", "name": "G", "role": "member"}).json()["id"]
    here = api.club["members"][0]["id"]
    class_id = api.new_class(member_ids=[here, gone])
    assert admin.patch(f"/api/v1/users/{gone}", json={"active": False}).status_code == 200
    session_id = api.start(class_id)
    record = api.as_("trainer").get(f"/api/v1/live/sessions/{session_id}").json()["session"]
    assert [p["member_id"] for p in record["participants"]] == [here]
    api.end(class_id)


def test_of_many_classes_those_nearest_to_now_and_those_that_run_are_listed(api: RunningApi) -> None:
    old = api.new_class(starts_at="2001-01-01T09:00:00Z")
    running = api.new_class(starts_at="2002-01-01T09:00:00Z")
    api.start(running)
    soon = api.new_class(starts_at=iso(api.clock()))
    running_now = len(api.as_("trainer").get("/api/v1/live/sessions").json()["sessions"])
    listed = api.as_("trainer").get(f"/api/v1/classes?limit={running_now + 1}").json()["classes"]
    assert {running, soon} <= {c["id"] for c in listed}
    assert old not in {c["id"] for c in listed}
    assert listed == sorted(listed, key=lambda c: c["starts_at"])
    api.end(running)


def test_each_step_and_each_refusal_is_in_the_collection_log(api: RunningApi) -> None:
    class_id = api.new_class()
    api.start(class_id)
    api.as_("trainer").post(f"/api/v1/classes/{class_id}/pause")
    assert api.as_("second_trainer").post(f"/api/v1/classes/{class_id}/end").status_code == 403
    api.end(class_id)
    assert api.as_("trainer").post(f"/api/v1/classes/{class_id}/end").status_code == 409
    with api.services.reading() as db:
        found = db.scalars(select(CollectionLog).where(CollectionLog.class_id == class_id).order_by(CollectionLog.id)).all()
    logged = [(row.event_type, row.event_data.get("at"), row.event_data.get("type")) for row in found]
    assert logged == [
        ("start", None, None),
        ("pause", None, None),
        ("error", "end", "not_your_class"),
        ("end", None, None),
        ("error", "end", "no_active_collection"),
    ]
    assert found[0].event_data["expected_member_count"] == 3
