"""Every message becomes an event or a dead letter; a culprit never takes its neighbours along."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decoding import Decoded, Letters, decode_app_events, decode_readings, isolate
from schemas.events import Reading
from schemas.rejected import rejected_decoder
from tests.pipelines.flows.stage import heart_rate
from tests.pipelines.records import Record

SESSION = "11111111-2222-4333-8444-555555555555"


def good(at: int) -> Record:
    return Record("device-events", 0, at, msgspec.json.encode(heart_rate(SESSION, 1, 1_790_000_000_000 + at, 100)))


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60), st.text(max_size=40).map(str.encode)), min_size=1, max_size=20))
def test_whatever_bytes_come_the_good_events_are_kept_and_the_rest_named(payloads: list[bytes | None]) -> None:
    messages = [record for at, p in enumerate(payloads) for record in (Record("device-events", 3, 2 * at, p), good(2 * at + 1))]
    letters = Letters("store", lambda: 5)
    decoded = decode_readings(list(messages), letters)
    assert len(decoded.events) == len(payloads)
    assert decoded.messages == messages[1::2]
    written = [rejected_decoder.decode(letter.value) for letter in letters.take()]
    assert [(w.place, w.payload) for w in written] == [(f"device-events:3:{2 * i}", p or b"") for i, p in enumerate(payloads)]
    assert {w.reason for w in written} <= {"empty_message", "not_json", "invalid_event"}
    assert letters.take() == []
    assert decode_app_events([Record("app-events", 0, 0, b"[]")], letters).events == []


def test_the_event_that_breaks_the_logic_leaves_alone() -> None:
    messages = [good(at) for at in range(100)]
    letters = Letters("store", lambda: 5)
    decoded = decode_readings(list(messages), letters)
    seen: set[str] = set()
    culprits = {decoded.events[13].event_id, decoded.events[64].event_id}

    def process(events: Sequence[Reading]) -> None:
        if any(event.event_id in culprits for event in events):
            raise ArithmeticError("a hole in the logic")
        seen.update(event.event_id for event in events)

    assert isolate(decoded, process, letters) == 98
    assert seen == {event.event_id for event in decoded.events} - culprits
    written = [rejected_decoder.decode(letter.value) for letter in letters.take()]
    assert [letter.place for letter in written] == ["device-events:0:13", "device-events:0:64"]
    assert {letter.reason for letter in written} == {"not_processable"}
    assert isolate(Decoded([], []), process, letters) == 0
