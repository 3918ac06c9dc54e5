"""Each call, each role."""

import pytest

from tests.api.running_api import RunningApi

pytestmark = pytest.mark.servers

SESSION = "00000000-0000-4000-8000-000000000000"
ROLES = ("member", "trainer", "observer", "admin")
EVERYBODY = {"member", "trainer", "observer", "admin"}
LEADERS = {"trainer", "admin"}
OPEN: set[str] = set()

ALLOWED = {
    "POST /api/v1/auth/login": OPEN,
    "POST /api/v1/auth/refresh": OPEN,
    "POST /api/v1/auth/logout": OPEN,
    "GET /health": OPEN,
    "GET /ready": OPEN,
    "GET /metrics": OPEN,
    "GET /api/v1/me": EVERYBODY,
    "POST /api/v1/dagster/pass": {"admin"},
    "GET /api/v1/classes": EVERYBODY,
    "POST /api/v1/classes": LEADERS,
    "GET /api/v1/classes/{class_id}": EVERYBODY,
    "PUT /api/v1/classes/{class_id}/roster": LEADERS,
    "POST /api/v1/classes/{class_id}/start": LEADERS,
    "POST /api/v1/classes/{class_id}/pause": LEADERS,
    "POST /api/v1/classes/{class_id}/resume": LEADERS,
    "POST /api/v1/classes/{class_id}/end": LEADERS,
    "GET /api/v1/classes/{class_id}/snapshot": EVERYBODY,
    "GET /api/v1/live/sessions": EVERYBODY,
    "GET /api/v1/live/sessions/{session_id}": EVERYBODY,
    "GET /api/v1/live/sessions/{session_id}/state": EVERYBODY,
    "POST /api/v1/live/messages": {"member", "trainer", "admin"},
    "GET /api/v1/live/messages": EVERYBODY,
    "GET /api/v1/live/messages/{session_id}": EVERYBODY,
    "POST /api/v1/alerts/{alert_id}/acknowledge": LEADERS,
    "POST /api/v1/sessions/{session_id}/markers": LEADERS,
    "POST /api/v1/sessions/{session_id}/notes": LEADERS,
    "POST /api/v1/sessions/{session_id}/checkins": LEADERS,
    "POST /api/v1/sessions/{session_id}/checkouts": LEADERS,
    "POST /api/v1/sessions/{session_id}/ratings": LEADERS,
    "GET /api/v1/sessions": EVERYBODY,
    "GET /api/v1/sessions/{session_id}/alerts": EVERYBODY,
    "GET /api/v1/sessions/{session_id}/events": EVERYBODY,
    "GET /api/v1/sessions/{session_id}/intensity": EVERYBODY,
    "GET /api/v1/sessions/{session_id}/summary": EVERYBODY,
    "GET /api/v1/members/{member_id}/series": {"trainer", "observer", "admin"},
    "GET /api/v1/users": {"admin"},
    "POST /api/v1/users": {"admin"},
    "PATCH /api/v1/users/{user_id}": {"admin"},
    "GET /api/v1/members/{member_id}/profile": {"trainer", "observer", "admin"},
    "PUT /api/v1/members/{member_id}/profile": {"admin"},
    "PUT /api/v1/members/{member_id}/limits": LEADERS,
    "GET /api/v1/devices": LEADERS,
    "POST /api/v1/devices": LEADERS,
    "DELETE /api/v1/devices/{token_id}": LEADERS,
    "GET /api/v1/straps": LEADERS,
    "POST /api/v1/straps/{address}/member": LEADERS,
    "POST /api/v1/straps/sightings": OPEN,
}
BODIES = {
    "POST /api/v1/classes": {"name": "", "class_type": "x", "starts_at": "2026-11-21T09:00:00Z"},
    "PUT /api/v1/classes/{class_id}/roster": {"member_ids": []},
    "POST /api/v1/live/messages": {"session_id": SESSION, "text": "x"},
    "POST /api/v1/alerts/{alert_id}/acknowledge": {"session_id": SESSION},
    "POST /api/v1/sessions/{session_id}/markers": {"marker_type": "x"},
    "POST /api/v1/sessions/{session_id}/notes": {"text": "x"},
    "POST /api/v1/sessions/{session_id}/checkins": {"member_id": 1},
    "POST /api/v1/sessions/{session_id}/checkouts": {"member_id": 1},
    "POST /api/v1/sessions/{session_id}/ratings": {"member_id": 1, "rating_type": "x", "value": 5},
    "POST /api/v1/users": {"email": "", "name": "", "role": "member"},
    "PATCH /api/v1/users/{user_id}": {},
    "PUT /api/v1/members/{member_id}/profile": {},
    "PUT /api/v1/members/{member_id}/limits": {},
    "POST /api/v1/devices": {"device_id": "x", "scope": "member"},
    "POST /api/v1/straps/{address}/member": {"member_id": 1},
}
NOBODY = 2**52
"""An id that nobody and nothing has."""


def _address(call: str) -> tuple[str, str]:
    method, path = call.split()
    for name, value in {
        "{class_id}": NOBODY,
        "{user_id}": NOBODY,
        "{member_id}": NOBODY,
        "{session_id}": SESSION,
        "{alert_id}": "alert-that-is-not",
        "{token_id}": "none",
        "{address}": "C0:FF:EE:00:00:00",
    }.items():
        path = path.replace(name, str(value))
    return method, path + (f"?session_id={SESSION}" if path.endswith("/series") else "")


def test_every_call_is_in_the_table(api: RunningApi) -> None:
    paths = api.anonymous().get("/openapi.json").json()["paths"]
    assert {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls} == set(ALLOWED)


@pytest.mark.parametrize("call", [call for call, roles in ALLOWED.items() if roles])
def test_only_the_roles_of_the_table_may(api: RunningApi, call: str) -> None:
    method, path = _address(call)
    body = BODIES.get(call)
    with api.anonymous() as nobody:
        assert nobody.request(method, path, json=body).status_code == 401
        forged = nobody.request(method, path, json=body, headers={"Authorization": "Bearer x.y.z"})
        assert forged.json()["type"] == "token_invalid"
    for role in ROLES:
        answer = api.as_(role).request(method, path, json=body)
        forbidden = answer.status_code == 403
        assert forbidden == (role not in ALLOWED[call]), (role, answer.text)
        assert answer.status_code < 500


@pytest.mark.parametrize("call", ["GET /health", "GET /ready", "GET /metrics"])
def test_operators_need_no_token(api: RunningApi, call: str) -> None:
    assert api.anonymous().get(call.split()[1]).status_code == 200


def test_a_trainer_leads_their_own_classes_only(api: RunningApi) -> None:
    class_id = api.new_class()
    other = api.as_("second_trainer")
    for step in ("start", "pause", "end"):
        refused = other.post(f"/api/v1/classes/{class_id}/{step}")
        assert (refused.status_code, refused.json()["type"]) == (403, "not_your_class")
    session_id = api.start(class_id)
    marked = other.post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "x"})
    assert marked.status_code == 403
    assert api.as_("admin").post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "x"}).status_code == 202
    assert api.as_("admin").post(f"/api/v1/classes/{class_id}/end").status_code == 200


def test_a_member_sees_their_own_classes_and_sessions_and_of_them_only_themselves(api: RunningApi) -> None:
    first, second, third = api.club["members"][:3]
    with_me, without_me = api.new_class(3), api.new_class(member_ids=[second["id"], third["id"]])
    mine, theirs = api.start(with_me), api.start(without_me)
    assert api.club["member"]["id"] == first["id"]
    member = api.as_("member")
    seen = {c["id"] for c in member.get("/api/v1/classes").json()["classes"]}
    assert with_me in seen
    assert without_me not in seen
    assert member.get(f"/api/v1/classes/{without_me}").status_code == 404
    assert member.get(f"/api/v1/classes/{with_me}").json()["roster"] == [{"member_id": first["id"], "name": first["name"]}]
    running = {s["session_id"]: s for s in member.get("/api/v1/live/sessions").json()["sessions"]}
    assert mine in running
    assert theirs not in running
    assert [p["member_id"] for p in running[mine]["participants"]] == [first["id"]]
    for part in ("alerts", "events", "intensity", "summary"):
        assert member.get(f"/api/v1/sessions/{theirs}/{part}").json()["type"] == "unknown_session"
    assert member.get(f"/api/v1/live/sessions/{theirs}/state").status_code == 404
    assert member.get(f"/api/v1/classes/{without_me}/snapshot").status_code == 404
    own = member.get(f"/api/v1/members/{first['id']}/series", params={"session_id": mine})
    assert own.status_code == 200
    assert member.get(f"/api/v1/members/{second['id']}/series", params={"session_id": mine}).status_code == 403
    assert member.get(f"/api/v1/members/{first['id']}/profile").status_code == 200
    api.end(with_me)
    api.end(without_me)
