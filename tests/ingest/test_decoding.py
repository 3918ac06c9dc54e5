"""Events that come together are found to be what each of them is by itself."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding import decode_event, decode_events
from ingest.outcomes import Outcome
from schemas.events import DeviceEvent
from schemas.ranges import EVENT_BYTES_MAX

GOOD = {
    "type": "heart_rate",
    "event_id": "event-id-1",
    "member_id": 7,
    "device_id": "strap",
    "event_time_ms": 1,
    "rr_ms": [420],
}
OPTIONAL: dict[str, Any] = {
    "session_id": None,
    "source": "heart_rate_monitor",
    "contact": None,
    "schema_version": 1,
    "received_time_ms": 5,
    "clock_offset_ms": None,
    "extra": "text",
    "unit": {"in": "Hz"},
    "heart_rate_bpm": 140.0,
}
pairs = st.lists(
    st.sampled_from([*GOOD.items(), ("heart_rate_bpm", 141), ("device_id", 'a "quoted" one'), ("device_id", "Gürtel")])
    | st.sampled_from(list(OPTIONAL.items())),
    max_size=4,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """An event as JSON, more or less good: keys doubled, unknown, left out or escaped, in any order and spacing."""
    members = [*GOOD.items(), ("heart_rate_bpm", 140), *draw(pairs)]
    if draw(st.booleans()):
        members = draw(st.permutations(members))[draw(st.integers(0, 1)) :]
    ascii_only, space = draw(st.booleans()), draw(st.sampled_from(["", " "]))
    return (
        "{" + f",{space}".join(f"{json.dumps(k)}:{space}{json.dumps(v, ensure_ascii=ascii_only)}" for k, v in members) + "}"
    ).encode()


def good(**changes: Any) -> bytes:
    return json.dumps({**GOOD, "heart_rate_bpm": 140, **changes}).encode()


@given(st.lists(texts() | st.just(good()) | st.binary(max_size=20), max_size=6))
def test_together_and_one_by_one_events_are_the_same(raws: list[bytes]) -> None:
    assert decode_events(raws) == [decode_event(raw) for raw in raws]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (good(unit="Hz"), "unknown_field"),
        (good(unit=1), "unknown_field"),
        (good()[:-1] + b',"heart_rate_bpm":150}', "doubled_key"),
        (good()[:-1] + b',"heart\\u005frate_bpm":150}', "doubled_key"),
        (good(heart_rate_bpm=900), "invalid"),
        (good(device_id="x" * EVENT_BYTES_MAX), "too_large"),
        (good()[:-1], "malformed"),
        (b"\xff", "malformed"),
    ],
)
def test_one_bad_event_among_good_ones_is_found(raw: bytes, reason: str) -> None:
    found = decode_events([good(), raw, good(source="heart_rate_monitor")])
    assert [event.reason if isinstance(event, Outcome) else "" for event in found] == ["", reason, ""]


def test_a_key_that_one_event_has_too_much_is_not_made_up_for_by_another() -> None:
    """Quotation marks are counted over all events together."""
    found = decode_events([good(extra=1), good(rr_ms=[]), good(contact=None)])
    assert [isinstance(event, Outcome) for event in found] == [True, False, False]


def test_all_kinds_of_good_events_are_found_together() -> None:
    kinds = [good(), good(contact=True), good(session_id="0b0e8a3c-0000-4000-8000-000000000001"), good(received_time_ms=1)]
    events: list[DeviceEvent | Outcome] = decode_events(kinds)
    assert not any(isinstance(event, Outcome) for event in events)
    assert events == [decode_event(raw) for raw in kinds]
