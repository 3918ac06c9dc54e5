"""Reading many events at once finds what the exact decoder finds, or leaves the event to it."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.layout import learn
from pipelines.layouts import ALIKE_MIN, Layouts, Read
from pipelines.steps.batch import Batch, batch_of
from pipelines.steps.roster import Roster, words_of
from schemas.events import Reading, reading_decoder

SESSION = "11111111-2222-4333-8444-555555555555"
AT_MS = 1_790_000_000_000
LIKELY = st.sampled_from([0, 1, 24, 25, 99, 100, 240, 241, 3000, 3001, 65_535, 65_536, 2**53 - 1, 2**53, 10**17])
NUMBERS = st.one_of(
    st.integers(0, 300),
    LIKELY,
    st.integers(-5, 10**16),
    st.floats(0, 300),
    st.floats(-500, 10**6),
    st.just(1e25),
    st.just(-0.0),
)
TEXTS = st.one_of(st.text("abcXYZ019-:._ ", max_size=12), st.text(max_size=12), st.just('a"b\\c'))
OPTIONAL = {
    "source": st.one_of(st.sampled_from(["heart_rate_monitor", "watch"]), TEXTS),
    "schema_version": st.just(1),
    "contact": st.booleans(),
    "rr_ms": st.one_of(st.lists(st.integers(300, 2_000), max_size=4), st.lists(NUMBERS, max_size=3)),
    **dict.fromkeys(
        ("power_watts", "cadence_rpm", "speed_mps", "distance_m", "latitude_deg", "altitude_m", "step_count"), NUMBERS
    ),
    "else": TEXTS,
}


def event(**more: Any) -> dict[str, Any]:
    shared = {"type": "heart_rate", "event_id": "event-0001", "member_id": 7, "session_id": SESSION, "device_id": "strap-1"}
    return shared | {"event_time_ms": AT_MS, "received_time_ms": AT_MS + 40, "heart_rate_bpm": 120} | more


@st.composite
def events_alike(draw: st.DrawFn) -> list[bytes]:
    """Messages made from one by changing single values, so that many of them share layouts and some are rejected."""
    template = event(**draw(st.fixed_dictionaries({}, optional=OPTIONAL)))
    kind = draw(st.sampled_from(["heart_rate", "power", "pose", "unheard_of"]))
    changes = st.fixed_dictionaries(
        {},
        optional=OPTIONAL
        | {
            "member_id": NUMBERS,
            "event_time_ms": st.one_of(st.integers(AT_MS, AT_MS + 10**6), NUMBERS),
            "heart_rate_bpm": st.one_of(st.integers(20, 250), NUMBERS, st.none()),
            "event_id": TEXTS,
            "session_id": st.one_of(st.uuids().map(str), TEXTS),
        },
    )
    made = [template | {"type": kind} | draw(changes) for _ in range(draw(st.integers(1, 6)))]
    return [msgspec.json.encode(one) for one in made]


def exact(message: bytes) -> Reading | None:
    try:
        return reading_decoder.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def assert_same(read: Read, messages: list[bytes]) -> None:
    """Whatever was read in columns is what the exact decoder finds."""
    at = np.flatnonzero(read.known)
    readings = [exact(messages[i]) for i in at.tolist()]
    whole = [reading for reading in readings if reading is not None]
    assert len(whole) == len(readings), "nothing is read that is to be refused"
    assert read.member_id[at].tolist() == [reading.member_id for reading in whole]
    assert [words_of(reading.session_id).tolist() for reading in whole] == read.words[:, at].T.tolist()
    if len(at):
        assert_equal(read.batch.part(at), batch_of(whole, np.full(len(whole), -1)))


def assert_equal(found: Batch, wanted: Batch) -> None:
    empty = np.zeros(len(wanted), dtype=np.int64)
    assert found.at_ms.tolist() == wanted.at_ms.tolist()
    assert found.received_ms.tolist() == wanted.received_ms.tolist()
    for metric in found.cells | wanted.cells:
        assert found.cells.get(metric, empty).tolist() == wanted.cells.get(metric, empty).tolist()
    far = [empty - 1 if batch.distance_cm is None else batch.distance_cm for batch in (found, wanted)]
    assert far[0].tolist() == far[1].tolist()
    beats = [
        [] if batch.intervals is None else np.column_stack(list(vars(batch.intervals).values())).tolist()
        for batch in (found, wanted)
    ]
    assert beats[0] == beats[1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events_alike())
def test_what_is_read_in_columns_is_what_the_exact_decoder_reads(messages: list[bytes]) -> None:
    layouts, many = Layouts(), [message for message in messages for _ in range(ALIKE_MIN)]
    for _ in range(2):  # the second time with layouts that are known
        assert_same(layouts.read(many), many)


def test_two_layouts_of_one_length_are_told_apart_in_either_order() -> None:
    one, other = (msgspec.json.encode(event(**more)) for more in ({"schema_version": 1}, {"rr_ms": [300, 1000]}))
    assert len(one) == len(other)
    layouts = Layouts()
    for messages in ([one, other], [other], [one], [other]):
        many = [message for message in messages for _ in range(ALIKE_MIN)]
        read = layouts.read(many)
        assert read.known.all()
        assert_same(read, many)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events_alike(), st.data())
def test_a_damaged_message_is_never_read_otherwise_than_exactly(messages: list[bytes], data: st.DataObject) -> None:
    good = msgspec.json.encode(event(speed_mps=3.25, rr_ms=[800, 812]))
    at = data.draw(st.integers(0, len(good) - 1))
    damaged = good[:at] + data.draw(st.binary(min_size=1, max_size=1)) + good[at + 1 :]
    many = [good] * ALIKE_MIN + [damaged, *messages] * 3
    read = Layouts().read(many)
    assert read.known[:ALIKE_MIN].all(), "the good ones are read in columns"
    assert_same(read, many)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 23])
def test_a_text_of_any_length_is_looked_through_to_its_last_byte(length: int) -> None:
    text = b"strap-0123456789-abcdefg"[:length]
    good = msgspec.json.encode(event(device_id=text.decode()))
    begin = good.index(b'"device_id":"') + len(b'"device_id":"')
    odd = [good[:at] + bytes([byte]) + good[at + 1 :] for at in range(begin, begin + length) for byte in b'\x00\x1f"\\\x7f\xff']
    read = Layouts().read([good] * ALIKE_MIN + odd)
    assert read.known.tolist() == [True] * ALIKE_MIN + [False] * len(odd)
    assert_same(read, [good] * ALIKE_MIN + odd)


def test_many_messages_are_read_in_parts_as_they_are_at_once() -> None:
    messages = [msgspec.json.encode(event(member_id=1_000 + at % 9_000, heart_rate_bpm=90 + at % 30)) for at in range(9_001)]
    read = Layouts().read(messages)
    assert read.known.all()
    assert_same(read, messages)


@pytest.mark.parametrize("digits", ["8.333333333333334", "9.0005", "8.0045", "12.34449999999999", "0.3333333333333333", "45.0"])
def test_numbers_with_many_decimals_become_the_same_steps(digits: str) -> None:
    message = msgspec.json.encode(event()).replace(b'"heart_rate_bpm":120', b'"speed_mps":' + digits.encode())
    read = Layouts().read([message] * ALIKE_MIN)
    assert_same(read, [message] * ALIKE_MIN)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b"[]",
        msgspec.json.encode(event()) + b" ",
        msgspec.json.encode(event()).replace(b":120", b":1e2"),
        msgspec.json.encode(event()).replace(b":120", b":null"),
        msgspec.json.encode(event()).replace(b'"member_id":7', b'"member_id":7,"member_id":8'),
        msgspec.json.encode(event(battery=7)),
        msgspec.json.encode(event(type="unheard_of")),
        msgspec.json.encode(event(heart_rate_bpm=250)),
    ],
)
def test_no_layout_is_learnt_from_what_only_the_exact_decoder_understands(message: bytes) -> None:
    assert learn(message) is None


def test_the_roster_finds_everybody_and_no_stranger() -> None:
    roster, sessions = Roster(), [f"{number:08x}-0000-4000-8000-000000000000" for number in range(60)]
    for session_id in sessions:
        roster.append(np.broadcast_to(words_of(session_id)[:, None], (5, 50)), np.arange(1, 51))
    words = np.repeat(np.stack([words_of(session_id) for session_id in sessions], axis=1), 50, axis=1)
    members = np.tile(np.arange(1, 51), 60)
    assert roster.rows(words, members).tolist() == list(range(3000))
    assert (roster.rows(words, members + 50) == -1).all()
    assert (roster.rows(np.broadcast_to(words_of(SESSION)[:, None], (5, 50)), members[:50]) == -1).all()
    assert roster.rows(words[:, :0], members[:0]).tolist() == []
