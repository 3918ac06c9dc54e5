"""A class's data collection over REST."""

from concurrent.futures import ThreadPoolExecutor

import pytest

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
