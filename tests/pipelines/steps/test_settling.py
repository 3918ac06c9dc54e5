"""Folding what is a minute old: in turns, so that classes that began together do not all close their minutes at once."""

import msgspec

from pipelines.steps.shard import LiveShard
from schemas.directory import Participant, SessionRecord
from schemas.events import HeartRate, Reading, reading_decoder

SESSION_ID = "0b0e7c1e-7a55-4c62-9d0c-1f1f5f0f9f11"
STARTED_MS = 1_763_740_800_000
MEMBERS = range(1, 41)
SECONDS = 140
ZONE_FLOORS = (95, 114, 133, 152, 171)


def test_the_minutes_of_a_class_close_a_few_members_at_a_time_and_each_once() -> None:
    shard = LiveShard.restore(None)
    people = tuple(
        Participant(member_id=member, name=f"Member {member}", heart_rate_zone_floors_bpm=ZONE_FLOORS) for member in MEMBERS
    )
    shard.put_session(
        SessionRecord(
            session_id=SESSION_ID,
            class_id=1,
            class_name="Spin",
            class_type="spin",
            started_at_ms=STARTED_MS,
            participants=people,
        )
    )
    closed = []
    for second in range(SECONDS):
        shard.readings([_reading(member, second) for member in MEMBERS])
        shard.tick(STARTED_MS + second * 1_000 + 999, caught_up=True)
        closed.append(shard.take_minutes())
    first = [[minute.member_id for minute in found if minute.minute == STARTED_MS // 1_000] for found in closed]
    assert sorted(member for members in first for member in members) == list(MEMBERS)
    assert max(map(len, first)) <= len(MEMBERS) // 4
    assert {minute.seconds_seen for found in closed for minute in found} == {60}


def _reading(member: int, second: int) -> Reading:
    at_ms = STARTED_MS + second * 1_000 + member
    event = HeartRate(
        event_id=f"event-{member}-{second:05d}",
        member_id=member,
        session_id=SESSION_ID,
        device_id=f"strap-{member}",
        event_time_ms=at_ms,
        received_time_ms=at_ms + 3,
        heart_rate_bpm=120 + (second + member) % 7,
    )
    return reading_decoder.decode(msgspec.json.encode(event))
