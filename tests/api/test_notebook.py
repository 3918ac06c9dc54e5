"""What a trainer does while the class runs, and that it reaches the session's events exactly once."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from infra.kafka import open_consumer, open_producer, read_to_end
from schemas.alerts import Alert, AlertBody
from schemas.events import app_event_decoder
from schemas.topics import ALERTS, APP_EVENTS, session_key
from tests.api.running_api import RunningApi
from tests.running import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def session_id(api: RunningApi) -> Iterator[str]:
    class_id = api.new_class()
    yield api.start(class_id)
    api.as_("admin").post(f"/api/v1/classes/{class_id}/end")


def _events(api: RunningApi, session_id: str, count: int) -> list[dict[str, Any]]:
    """The session's events as REST shows them, once there are so many."""

    def seen() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.as_("trainer").get(f"/api/v1/sessions/{session_id}/events").json()["events"]
        return found

    wait_until(lambda: len(seen()) >= count, f"{count} events")
    return seen()


def test_everything_noted_is_in_the_sessions_events_in_order(api: RunningApi, session_id: str) -> None:
    trainer = api.as_("trainer")
    member_id = api.club["members"][0]["id"]
    sent = [
        ("checkins", {"member_id": member_id}),
        ("markers", {"marker_type": "warmup_end", "label": "Go"}),
        ("notes", {"text": "good mood", "note_type": "class"}),
        ("ratings", {"member_id": member_id, "rating_type": "form", "value": 8.5}),
        ("checkouts", {"member_id": member_id}),
    ]
    ids = []
    for what, body in sent:
        answer = trainer.post(f"/api/v1/sessions/{session_id}/{what}", json=body)
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["event_id"])
        _events(api, session_id, 1 + len(ids))
    events = _events(api, session_id, 6)
    kinds = ["session_started", "checked_in", "marker_added", "note_added", "rating_given", "checked_out"]
    assert [event["type"] for event in events] == kinds
    assert [event["event_id"] for event in events[1:]] == ids
    assert events[2]["label"] == "Go"
    assert events[4]["value"] == 8.5
    assert events[5]["duration_s"] == 0
    assert all(event["actor_id"] == api.club["trainer"]["id"] for event in events)


def test_the_same_idempotency_key_does_a_thing_once(api: RunningApi, session_id: str) -> None:
    trainer = api.as_("trainer")
    address = f"/api/v1/sessions/{session_id}/markers"
    key = {"Idempotency-Key": f"marker-{session_id}"}
    first = trainer.post(address, json={"marker_type": "lap"}, headers=key)
    again = trainer.post(address, json={"marker_type": "lap"}, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    other = trainer.post(address, json={"marker_type": "another"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency_key_reused")
    last = trainer.post(address, json={"marker_type": "last"}).json()["event_id"]
    events = _events(api, session_id, 3)
    assert [event["event_id"] for event in events[1:]] == [first.json()["event_id"], last]


def test_a_repeated_start_with_its_key_answers_the_same_session(api: RunningApi) -> None:
    class_id = api.new_class()
    key = {"Idempotency-Key": f"start-{class_id}-once"}
    answers = [api.as_("trainer").post(f"/api/v1/classes/{class_id}/start", json={}, headers=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    api.end(class_id)


def test_who_walks_in_becomes_a_participant(api: RunningApi, session_id: str) -> None:
    stranger = api.club["members"][6]["id"]
    trainer = api.as_("trainer")
    rating = {"member_id": stranger, "rating_type": "form", "value": 5}
    refused = trainer.post(f"/api/v1/sessions/{session_id}/ratings", json=rating)
    assert (refused.status_code, refused.json()["type"]) == (422, "not_in_session")
    assert trainer.post(f"/api/v1/sessions/{session_id}/checkins", json={"member_id": stranger}).status_code == 202
    record = trainer.get(f"/api/v1/live/sessions/{session_id}").json()["session"]
    assert stranger in [p["member_id"] for p in record["participants"]]
    events = _events(api, session_id, 3)
    assert [(e["type"], e["member_id"]) for e in events[1:]] == [("roster_changed", stranger), ("checked_in", stranger)]
    nobody = trainer.post(f"/api/v1/sessions/{session_id}/checkins", json={"member_id": 2**50})
    assert (nobody.status_code, nobody.json()["type"]) == (422, "unknown_members")


def test_notes_are_hidden_from_members(api: RunningApi, session_id: str) -> None:
    trainer, member = api.as_("trainer"), api.as_("member")
    other = api.club["members"][1]["id"]
    trainer.post(f"/api/v1/sessions/{session_id}/notes", json={"text": "about the class"})
    trainer.post(f"/api/v1/sessions/{session_id}/notes", json={"text": "about you", "member_id": api.club["member"]["id"]})
    trainer.post(f"/api/v1/sessions/{session_id}/checkins", json={"member_id": other})
    trainer.post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "lap"})
    _events(api, session_id, 5)
    seen = member.get(f"/api/v1/sessions/{session_id}/events").json()["events"]
    assert [event["type"] for event in seen] == ["session_started", "marker_added"]
    state = member.get(f"/api/v1/live/sessions/{session_id}/state").json()
    assert [event["type"] for event in state["events"]] == ["session_started", "marker_added"]


def _raise_alert(api: RunningApi, session_id: str, alert_id: str, member_id: int) -> None:
    now_ms = api.services.clock()
    alert = Alert(
        alert_id=alert_id,
        version=1,
        session_id=session_id,
        class_id=None,
        member_id=member_id,
        member_name="M",
        rule="heart_rate_high",
        state="active",
        timestamp="2026-11-21T08:00:00Z",
        raised_at_ms=now_ms,
        updated_at_ms=now_ms,
        alert=AlertBody(severity="warning", message="high", metric="heart_rate_bpm", current=185, threshold=180),
    )
    producer = open_producer(api.settings)
    producer.produce(ALERTS.name, key=session_key(session_id), value=msgspec.json.encode(alert))
    producer.flush(10)


def test_an_alert_is_acknowledged_once_whoever_asks_again(api: RunningApi, session_id: str) -> None:
    trainer, member = api.as_("trainer"), api.as_("member")
    alert_id = f"alert-{session_id[:8]}"
    address = f"/api/v1/alerts/{alert_id}/acknowledge"
    unknown = trainer.post(address, json={"session_id": session_id})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "unknown_alert")
    _raise_alert(api, session_id, alert_id, api.club["members"][1]["id"])
    wait_until(lambda: trainer.get(f"/api/v1/sessions/{session_id}/alerts").json()["alerts"], "the alert in the hub")
    assert member.get(f"/api/v1/sessions/{session_id}/alerts").json()["alerts"] == []
    first = trainer.post(address, json={"session_id": session_id})
    again = api.as_("admin").post(address, json={"session_id": session_id})
    assert (first.status_code, first.json()["acknowledged_by"]) == (202, api.club["trainer"]["name"])
    assert (again.status_code, again.json()) == (202, first.json())
    acknowledged = [e for e in _events(api, session_id, 2) if e["type"] == "alert_acknowledged"]
    assert [(e["event_id"], e["alert_id"]) for e in acknowledged] == [(first.json()["event_id"], alert_id)]


def test_after_the_end_notes_are_welcome_and_markers_are_not(api: RunningApi) -> None:
    class_id = api.new_class()
    session_id = api.start(class_id)
    api.end(class_id)
    trainer = api.as_("trainer")
    assert trainer.post(f"/api/v1/sessions/{session_id}/notes", json={"text": "well done"}).status_code == 202
    late = trainer.post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "x"})
    assert (late.status_code, late.json()["type"]) == (409, "session_over")


def test_events_travel_with_key_ids_and_times(api: RunningApi, session_id: str) -> None:
    api.as_("trainer").post(f"/api/v1/sessions/{session_id}/markers", json={"marker_type": "lap"})
    _events(api, session_id, 2)
    consumer = open_consumer(api.settings)
    own = [m.value() or b"" for m in read_to_end(consumer, APP_EVENTS) if m.key() == session_key(session_id)]
    found = [app_event_decoder.decode(value) for value in own]
    consumer.close()
    assert [type(event).__name__ for event in found] == ["SessionStarted", "MarkerAdded"]
    assert all(event.received_time_ms and event.event_time_ms <= event.received_time_ms for event in found)
