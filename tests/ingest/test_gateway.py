import gzip
import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import NO_SESSION
from schemas.ranges import UNPACKED_BYTES_MAX
from schemas.rejected import Rejected
from tests.ingest.people import (
    CLASS,
    HUB_TOKEN,
    MEMBER,
    MEMBERS,
    OTHER_SESSION,
    SESSION,
    RunningGateway,
    dead_letters,
    device_record,
    heart_rate,
    now_ms,
    publish,
    published,
)
from tests.running import wait_until

YEAR_MS = 365 * 24 * 3_600_000

pytestmark = pytest.mark.servers


def test_an_accepted_event_is_in_kafka_stamped_and_keyed(gateway: RunningGateway) -> None:
    event = heart_rate(rr_ms=[420, 425], received_time_ms=1)
    before_ms = now_ms()
    response = gateway.post(event)
    assert (response.status_code, response.json()["accepted"]) == (200, 1)
    [message] = published(gateway.settings, event["event_id"])
    assert (message["session_id"], message["key"]) == (SESSION, SESSION)
    assert before_ms <= message["received_time_ms"] <= now_ms()
    sent = {name: value for name, value in event.items() if name != "received_time_ms"}
    assert {name: message[name] for name in sent} == sent


def test_an_event_outside_any_session_is_keyed_by_its_member(gateway: RunningGateway) -> None:
    event = heart_rate(event_time_ms=now_ms() - 3_600_000)
    assert gateway.post(event).json()["accepted"] == 1
    [message] = published(gateway.settings, event["event_id"])
    assert (message["session_id"], message["key"]) == (NO_SESSION, f"member:{MEMBER}")


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (lambda events: json.dumps(events).encode(), "application/json"),
        (lambda events: json.dumps({"events": events}).encode(), "application/json; charset=utf-8"),
        (lambda events: b"\n".join(json.dumps(e).encode() for e in events) + b"\n\n", "application/x-ndjson"),
    ],
)
def test_batches_come_as_array_object_or_lines(gateway: RunningGateway, content: Any, media: str) -> None:
    events = [heart_rate() for _ in range(5)]
    response = gateway.post(content(events), Content_Type=media)
    assert response.json() == {"accepted": 5, "doubled": 0, "rejected": [], "unconfirmed": 0}
    packed = gateway.post(gzip.compress(content(events)), Content_Type=media, Content_Encoding="gzip")
    assert packed.json()["doubled"] == 5


def test_the_same_event_sent_twice_counts_once(gateway: RunningGateway) -> None:
    event = heart_rate()
    first = gateway.post([event, event]).json()
    second = gateway.post(event).json()
    assert (first["accepted"], first["doubled"], second["accepted"], second["doubled"]) == (1, 1, 0, 1)
    assert len(published(gateway.settings, event["event_id"])) == 1


def test_another_members_events_cannot_be_blocked_by_using_their_ids(gateway: RunningGateway) -> None:
    event = heart_rate(member_id=1)
    assert gateway.post({**event, "member_id": 2}, HUB_TOKEN).json()["accepted"] == 1
    assert gateway.post(event, HUB_TOKEN).json()["accepted"] == 1


def test_one_bad_event_does_not_cost_its_neighbours(gateway: RunningGateway) -> None:
    good = [heart_rate(), heart_rate()]
    bad = heart_rate(heart_rate_bpm=900)
    response = gateway.post([good[0], bad, good[1]])
    assert (response.status_code, response.json()["accepted"]) == (200, 2)
    [refused] = response.json()["rejected"]
    assert (refused["index"], refused["event_id"], refused["reason"]) == (1, bad["event_id"], "invalid")
    assert "$.heart_rate_bpm" in refused["detail"]


def letters_with(gateway: RunningGateway, content: bytes) -> list[Rejected]:
    """The dead letters that hold these bytes, as soon as there is one: the door answers before Kafka has it."""
    found: list[Rejected] = []

    def looked() -> bool:
        found[:] = [letter for letter in dead_letters(gateway.settings) if content in letter.payload]
        return bool(found)

    wait_until(looked, "a dead letter")
    return found


REFUSED = {
    "a year ago": ({"event_time_ms": now_ms() - YEAR_MS}, "too_old"),
    "a year ahead": ({"event_time_ms": now_ms() + YEAR_MS}, "too_far_ahead"),
    "seconds for milliseconds": ({"event_time_ms": now_ms() // 1000}, "too_old"),
    "unknown member": ({"member_id": 4_711}, "unknown_member"),
    "former member": ({"member_id": 99}, "unknown_member"),
    "unknown session": ({"session_id": "0b0e8a3c-0000-4000-8000-00000000ffff"}, "unknown_session"),
    "session of others": ({"session_id": OTHER_SESSION}, "not_a_participant"),
    "beats a second": ({"heart_rate_bpm": 2.3}, "invalid"),
    "text": ({"heart_rate_bpm": "141"}, "invalid"),
    "truth value": ({"heart_rate_bpm": True}, "invalid"),
    "no heartbeat": ({"heart_rate_bpm": 0}, "invalid"),
    "missing value": ({"heart_rate_bpm": ...}, "invalid"),
    "unit beside the value": ({"unit": "Hz"}, "unknown_field"),
    "unknown kind": ({"type": "heart_rates"}, "invalid"),
    "id too short": ({"event_id": "~"}, "invalid"),
    "beats in seconds": ({"rr_ms": [0.42]}, "invalid"),
    "speed in km/h under its own name": ({"type": "speed", "heart_rate_bpm": ..., "speed_kmh": 30}, "invalid"),
    "newer schema": ({"schema_version": 2}, "invalid"),
    "too large": ({"device_id": "x" * 70_000}, "too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_event_is_refused_with_its_reason_and_kept_as_a_dead_letter(gateway: RunningGateway, name: str) -> None:
    changes, reason = REFUSED[name]
    event = heart_rate(**changes)
    before = gateway.counted("events_rejected", door="gateway", reason=reason)
    response = gateway.post(event, HUB_TOKEN)
    assert response.json()["rejected"][0]["reason"] == reason, response.text[:300]
    assert response.status_code == (413 if reason == "too_large" else 422)
    assert gateway.counted("events_rejected", door="gateway", reason=reason) == before + 1
    assert published(gateway.settings, event["event_id"]) == []
    [letter] = letters_with(gateway, event["event_id"].encode())
    assert letter.reason == reason
    if reason != "too_large":
        assert json.loads(letter.payload) == event


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"heart_rate_bpm": NaN, %s}', "malformed"),
        (b'{"heart_rate_bpm": Infinity, %s}', "malformed"),
        (b'{"heart_rate_bpm": 1e999, %s}', "invalid"),
        (b'{"heart_rate_bpm": 140, "heart_rate_bpm": 150, %s}', "doubled_key"),
        (b'{"heart_rate_bpm": 140, "heart_rate\\u005fbpm": 150, %s}', "doubled_key"),
        (b'{"heart_rate_bpm": 140, "device_id": "a\\u003ab", "heart_rate_bpm": 150, %s}', "doubled_key"),
    ],
)
def test_what_json_does_not_allow_is_refused(gateway: RunningGateway, body: bytes, reason: str) -> None:
    fields = heart_rate(heart_rate_bpm=...)
    if b"device_id" in body:
        del fields["device_id"]
    content = body % json.dumps(fields).encode()[1:-1]
    response = gateway.post(content)
    assert response.status_code == 422
    refusal = response.json()
    assert (refusal["rejected"] or [refusal])[0]["reason"] == reason
    assert content in [letter.payload for letter in letters_with(gateway, content)]


def test_a_member_token_sends_for_its_member_only(gateway: RunningGateway) -> None:
    response = gateway.post([heart_rate(member_id=MEMBER + 1)])
    assert (response.status_code, response.json()["rejected"][0]["reason"]) == (403, "forbidden_member")
    mixed = gateway.post([heart_rate(), heart_rate(member_id=MEMBER + 1)])
    assert (mixed.status_code, mixed.json()["accepted"]) == (200, 1)
    assert gateway.post([heart_rate(member_id=i) for i in MEMBERS], HUB_TOKEN).json()["accepted"] == len(MEMBERS)


@pytest.mark.parametrize("token", [None, "x", "pd_nobody_123", "pd_" + "x" * 500, "eyJhbGciOi.J9.x"])
def test_without_a_valid_token_nothing_is_taken(gateway: RunningGateway, token: str | None) -> None:
    before = gateway.counted("requests_refused", door="http", reason="unauthorized")
    response = gateway.post(heart_rate(), token)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert gateway.counted("requests_refused", door="http", reason="unauthorized") == before + 1


def test_a_revoked_token_ends_at_once(gateway: RunningGateway) -> None:
    token = "pd_lost_55"
    publish(gateway.settings, device_record(token))
    gateway.wait_for(token, 200)
    publish(gateway.settings, device_record(token, revoked=True))
    gateway.wait_for(token, 401)
    assert "revoked" in gateway.post(heart_rate(), token).json()["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "status", "reason"),
    [
        ({"Content_Type": "text/plain"}, b"[]", 415, "unsupported_media_type"),
        ({"Content_Type": "application/json; charset=latin-1"}, b"[]", 415, "unsupported_media_type"),
        ({"Content_Encoding": "br"}, b"[]", 415, "unsupported_encoding"),
        ({"Content_Encoding": "gzip"}, b"[]", 422, "malformed"),
        ({"Content_Encoding": "gzip"}, gzip.compress(b"[]", mtime=0)[:-3], 422, "malformed"),
        ({"Content_Encoding": "gzip"}, gzip.compress(b"[]", mtime=0) + b"more", 422, "malformed"),
        ({}, b"", 422, "malformed"),
        ({}, b"[{]", 422, "malformed"),
        ({}, b"[" * 90_000, 422, "malformed"),
        ({}, b"\xff\xfe[]", 422, "malformed"),
        ({}, b"[" + b"0," * 1_000 + b"0]", 413, "too_many"),
        ({}, b"[" + b"0," * 5_000_000 + b"0]", 413, "too_many"),
        ({"Content_Type": "application/x-ndjson"}, b"{}\n" * 1_001, 413, "too_many"),
        ({"Content_Type": "application/x-ndjson"}, b"\n" * 2_000_000, 413, "too_many"),
        ({}, b" " * (UNPACKED_BYTES_MAX + 1), 413, "too_large"),
    ],
)
def test_a_bad_request_gets_the_right_status(
    gateway: RunningGateway, headers: dict[str, str], body: bytes, status: int, reason: str
) -> None:
    before = gateway.counted("requests_refused", door="http", reason=reason)
    response = gateway.post(body, **headers)
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert gateway.counted("requests_refused", door="http", reason=reason) == before + 1


def test_hostile_bodies_cost_no_more_memory_than_the_cap(gateway: RunningGateway) -> None:
    process = psutil.Process(gateway.pid)
    bomb = gzip.compress(b" " * 100_000_000, 9)
    wide = gzip.compress(b"[" + b"0," * (UNPACKED_BYTES_MAX // 2 - 4) + b"0]", 9)
    gateway.post(wide, Content_Encoding="gzip")
    before = process.memory_info().rss
    for body in (bomb, wide):
        assert gateway.post(body, Content_Encoding="gzip").status_code == 413
    assert process.memory_info().rss - before < 3 * UNPACKED_BYTES_MAX
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    assert peak < before + 8 * UNPACKED_BYTES_MAX


def test_a_device_that_sends_too_fast_is_slowed_down(gateway: RunningGateway) -> None:
    token = "pd_fast_9"
    publish(gateway.settings, device_record(token))
    gateway.wait_for(token, 200)
    statuses = []
    for _ in range(4):
        response = gateway.post([heart_rate() for _ in range(900)], token)
        statuses.append(response.status_code)
    assert statuses[:2] == [200, 200]
    assert 429 in statuses[2:]
    assert 1 <= int(response.headers["Retry-After"]) <= 5
    assert gateway.post(heart_rate()).status_code == 200, "another device is not concerned"


def test_a_thousand_events_are_one_batch_and_one_more_is_too_many(gateway: RunningGateway) -> None:
    events = [heart_rate(member_id=1 + i % 10) for i in range(1_001)]
    assert gateway.post(events, HUB_TOKEN).status_code == 413
    assert gateway.post(events[:1_000], HUB_TOKEN).json()["accepted"] == 1_000


def test_history_needs_a_hub_and_goes_back_two_years(gateway: RunningGateway) -> None:
    def import_(event: dict[str, Any], token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return gateway.client.post("/v1/events?history=true", json=event, headers=headers)

    old = heart_rate(event_time_ms=now_ms() - YEAR_MS)
    assert import_(old, "pd_strap_77aa10").status_code == 403
    assert import_(old, HUB_TOKEN).json()["accepted"] == 1
    assert import_(heart_rate(event_time_ms=now_ms() - 3 * YEAR_MS), HUB_TOKEN).json()["rejected"][0]["reason"] == "too_old"


def test_running_sessions_are_shown_as_far_as_a_device_may_see(gateway: RunningGateway) -> None:
    gateway.post(heart_rate())
    hub, strap = (
        gateway.client.get("/v1/sessions", headers={"Authorization": f"Bearer {token}"}).json()
        for token in (HUB_TOKEN, "pd_strap_77aa10")
    )
    [spin] = [session for session in hub["sessions"] if session["session_id"] == SESSION]
    assert (spin["class_id"], len(spin["participants"])) == (CLASS, len(MEMBERS))
    seen = {p["participant"]["member_id"]: p["last_received_ms"] for p in spin["participants"]}
    assert abs(seen[MEMBER] - now_ms()) < 10_000
    assert [p["participant"]["member_id"] for session in strap["sessions"] for p in session["participants"]] == [MEMBER]
    assert gateway.client.get("/v1/sessions").status_code == 401


def test_the_openapi_document_describes_events_and_answers(gateway: RunningGateway) -> None:
    document = gateway.client.get("/openapi.json").json()
    post = document["paths"]["/v1/events"]["post"]
    assert {"200", "401", "403", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert {"HeartRate", "Power", "Answer", "RunningSessions"} <= set(document["components"]["schemas"])
    assert document["components"]["securitySchemes"]["device"]["scheme"] == "bearer"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
KINDS = ["heart_rate", "power", "cadence", "speed", "position", "pose", "steps", "energy"]
near_events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | json_values,
        "event_id": st.text(max_size=80) | st.just("event-id-1"),
        "member_id": st.sampled_from([MEMBER, 1, 0, -1, 2**60]) | json_values,
        "device_id": st.text(max_size=70) | json_values,
        "event_time_ms": st.integers(now_ms() - 10_000, now_ms()) | json_values,
        "heart_rate_bpm": st.integers(-10, 300) | json_values,
        "power_watts": st.integers(-10, 4_000) | json_values,
        "rr_ms": st.lists(st.integers(-1, 70_000), max_size=70) | json_values,
        "session_id": st.sampled_from([SESSION, NO_SESSION]) | json_values,
        "extra": json_values,
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(near_events | json_values, min_size=1, max_size=12))
def test_whatever_a_batch_holds_every_event_leaves_by_one_exit(gateway: RunningGateway, batch: list[Any]) -> None:
    before = gateway.events_accounted_for()
    body = json.dumps(batch).encode("utf-8", "surrogatepass")
    response = gateway.post(body)
    answer = response.json()
    if "reason" in answer:
        assert (response.status_code, answer["reason"]) == (422, "malformed")
        return
    assert response.status_code in {200, 403, 422}
    assert answer["accepted"] + answer["doubled"] + len(answer["rejected"]) == len(batch)
    assert gateway.events_accounted_for() - before == len(batch)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["application/json", "application/x-ndjson"]),
    st.sampled_from(["identity", "gzip"]),
)
def test_whatever_bytes_come_the_door_answers_and_stays_open(
    gateway: RunningGateway, body: bytes, media: str, coding: str
) -> None:
    response = gateway.post(body, Content_Type=media, Content_Encoding=coding)
    assert response.status_code in {200, 403, 422}
    assert gateway.client.get("/health").status_code == 200


def test_a_body_that_stops_half_way_is_dropped(gateway: RunningGateway) -> None:
    import socket

    head = (
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
        "Authorization: Bearer pd_strap_77aa10\r\n\r\n[{"
    )
    with socket.create_connection((gateway.settings.gateway_host, gateway.settings.gateway_port)) as raw:
        raw.sendall(head.encode())
        time.sleep(0.05)
    assert gateway.post(heart_rate()).status_code == 200
