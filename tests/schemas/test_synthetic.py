"""The synthetic member's values: events like any other, one for each partition, known again on their way back."""

import msgspec

from schemas.events import Reading, device_event_decoder
from schemas.live import live_decoder
from schemas.synthetic import (
    SYNTHETIC_MEMBER_ID,
    SYNTHETIC_SESSIONS,
    picture_of,
    round_of,
    synthetic_device,
    synthetic_round,
)
from schemas.topics import SESSION_PARTITIONS, partition_of, session_key

SENDER = "f" * 32
AT_MS = 1_790_000_000_000


def test_a_round_has_a_good_event_for_every_partition() -> None:
    sent = synthetic_round(SENDER, 1_000_000, AT_MS)
    assert [device_event_decoder.decode(msgspec.json.encode(event)) for event in sent] == sent
    assert [partition_of(session_key(event.session_id or "")) for event in sent] == list(range(SESSION_PARTITIONS))
    assert {event.member_id for event in sent} == {SYNTHETIC_MEMBER_ID}
    assert len({event.event_id for event in sent}) == SESSION_PARTITIONS


def test_what_comes_back_tells_round_and_partition_to_its_sender_only() -> None:
    for partition, event in enumerate(synthetic_round(SENDER, 17, AT_MS)):
        stamped = msgspec.structs.replace(event, received_time_ms=AT_MS + 3)
        picture = picture_of(msgspec.convert(msgspec.to_builtins(stamped), Reading))
        [event_id] = live_decoder.decode(msgspec.json.encode(picture)).names
        assert round_of(event_id, SENDER) == (17, partition)
        assert round_of(event_id, "e" * 32) is None
    assert [round_of(text, SENDER) for text in ("Ada", f"synthetic-{SENDER}", f"synthetic-{SENDER}-x-1")] == [None] * 3


def test_its_token_may_send_for_nobody_else() -> None:
    device = synthetic_device("digest")
    assert (device.scope, device.member_id) == ("member", SYNTHETIC_MEMBER_ID)
    assert len(set(SYNTHETIC_SESSIONS)) == SESSION_PARTITIONS
