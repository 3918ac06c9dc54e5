import asyncio

import pytest
from msgspec.structs import replace

from infra.directory import Directory
from infra.settings import Settings
from ingest.outcomes import SlowDown
from ingest.publisher import Publisher
from ingest.recent_events import RecentEvents
from schemas.directory import MemberRecord
from schemas.events import HeartRate, NoteAdded, SessionStarted
from schemas.synthetic import synthetic_round
from schemas.topics import APP_EVENTS
from tests.conftest import FakeClock
from tests.ingest.people import MEMBER, SESSION, heart_rate, now_ms, published, read_topic, session_record


def directory() -> Directory:
    made = Directory()
    made.put(MemberRecord(member_id=MEMBER))
    made.put(session_record())
    return made


def event(**changes: object) -> HeartRate:
    fields = heart_rate(**changes)
    del fields["type"]
    return HeartRate(**fields)


@pytest.mark.servers
async def test_what_a_process_of_ours_publishes_is_checked_like_a_devices(kafka_only: Settings) -> None:
    door = Publisher(kafka_only, now_ms, directory())
    good, wrong = event(), event(heart_rate_bpm=999)
    outcomes = await door.publish_device([good, wrong, good, event(member_id=5)])
    assert [(o.kind, o.reason) for o in outcomes] == [
        ("accepted", ""),
        ("rejected", "invalid"),
        ("doubled", ""),
        ("rejected", "unknown_member"),
    ]
    assert len(published(kafka_only, good.event_id, wrong.event_id)) == 1
    await door.close()


@pytest.mark.servers
async def test_events_of_one_session_are_published_together_as_they_are_one_by_one(kafka_only: Settings) -> None:
    door = Publisher(kafka_only, now_ms, directory())
    together = [event(session_id=SESSION, rr_ms=(420,)), event(session_id=SESSION, received_time_ms=1, contact=True)]
    apart = [replace(one, event_id=f"{one.event_id}-apart") for one in together]
    outcomes = await door.publish_decoded(together)
    # one that names no session makes that each is looked at by itself
    outcomes += await door.publish_decoded([*apart, event(event_time_ms=now_ms() - 3_600_000)])
    assert [outcome.kind for outcome in outcomes] == ["accepted"] * 5
    texts = [await asyncio.to_thread(published, kafka_only, one.event_id) for one in together + apart]
    assert [len(found) for found in texts] == [1] * 4
    stamps = [found.pop("received_time_ms") for [found] in texts]
    assert min(stamps) > now_ms() - 60_000
    for [found] in texts:
        found["event_id"] = found["event_id"].removesuffix("-apart")
    assert texts[:2] == texts[2:]
    await door.close()


@pytest.mark.servers
async def test_of_events_of_one_session_doubles_and_strangers_are_told_apart(kafka_only: Settings) -> None:
    door = Publisher(kafka_only, now_ms, directory())
    first, second = event(session_id=SESSION), event(session_id=SESSION)
    kinds = [[o.kind for o in await door.publish_decoded(batch)] for batch in ([first, first], [first, second], [second])]
    assert kinds == [["accepted", "doubled"], ["doubled", "accepted"], ["doubled"]]
    stranger, late = event(session_id=SESSION, member_id=1), event(session_id=SESSION, event_time_ms=1)
    outcomes = await door.publish_decoded([stranger, event(session_id=SESSION), late])
    assert [o.reason for o in outcomes] == ["unknown_member", "", "too_old"]
    await door.close()


def test_who_may_send_to_a_session_is_known_for_many_at_once() -> None:
    book = directory()
    assert book.all_take_part({MEMBER}, SESSION)
    assert not book.all_take_part({MEMBER, 1}, SESSION), "1 is on the roster and no member"
    assert not book.all_take_part({MEMBER}, "0b0e8a3c-0000-4000-8000-0000000000aa")
    book.put(MemberRecord(member_id=1))
    assert book.all_take_part({MEMBER, 1}, SESSION)
    book.put(MemberRecord(member_id=1, active=False))
    assert not book.all_take_part({MEMBER, 1}, SESSION)
    book.put(session_record(participants=()))
    assert not book.all_take_part({MEMBER}, SESSION)


@pytest.mark.servers
async def test_app_events_are_stamped_and_keyed_by_their_session(kafka_only: Settings, clock: FakeClock) -> None:
    door = Publisher(kafka_only, clock)
    started = SessionStarted(
        event_id=f"started-{now_ms()}", session_id=SESSION, event_time_ms=1, class_type="spin", expected_members=3
    )
    note = NoteAdded(event_id=f"note-{now_ms()}", session_id=SESSION, event_time_ms=2, text="x" * 5_000)
    outcomes = await door.publish_app([started, note, started])
    assert [outcome.kind for outcome in outcomes] == ["accepted", "rejected", "doubled"]
    [message] = [m for m in read_topic(kafka_only, APP_EVENTS) if m["event_id"] == started.event_id]
    assert (message["key"], message["received_time_ms"]) == (SESSION, clock.now_ms)
    with pytest.raises(TypeError, match="app events only"):
        await door.publish_device([event()])
    await door.close()


async def test_without_kafka_senders_are_told_to_come_again_until_too_much_waits() -> None:
    door = Publisher(Settings(kafka="127.0.0.1:9"), now_ms, directory(), in_flight_max=3)
    first = event()
    assert [o.kind for o in await door.publish_device([first, event()], patience_s=0.05)] == ["unconfirmed", "unconfirmed"]
    assert [o.kind for o in await door.publish_device([first], patience_s=0.05)] == ["unconfirmed"]
    with pytest.raises(SlowDown):
        await door.publish_device([event(), event()], patience_s=0.05)
    door.producer.close(patience_s=0)


def test_a_session_given_by_a_hub_wins_over_the_one_that_runs(clock: FakeClock) -> None:
    book = directory()
    later = session_record(session_id="0b0e8a3c-0000-4000-8000-0000000000aa", started_at_ms=clock.now_ms)
    earlier = session_record(started_at_ms=clock.now_ms - 1_000, ended_at_ms=clock.now_ms + 5_000)
    book.put(later)
    book.put(earlier)
    assert book.session_at(MEMBER, clock.now_ms) == later
    assert book.session_at(MEMBER, clock.now_ms - 500) == earlier
    assert book.session_at(MEMBER, clock.now_ms - 1_001) is None
    book.put(replace(later, participants=()))
    assert book.session_at(MEMBER, clock.now_ms) == earlier
    assert not book.takes_part(MEMBER, later.session_id)


def test_the_memory_of_recent_events_is_bounded_by_count_and_time() -> None:
    class Carrier:
        """Stands for a sending; only its identity matters here."""

    carriers = [Carrier() for _ in range(4)]
    memory = RecentEvents(capacity=4, keep_ms=1_000)
    for index, carrier in enumerate(carriers):
        memory.remember([(1, f"event-{index}a"), (1, f"event-{index}b")], carrier, now_ms=10)  # type: ignore[arg-type] # see Carrier
    assert len(memory) == 4
    assert memory.find((1, "event-3a")) is carriers[3]
    assert memory.find((1, "event-0a")) is None
    memory.forget((1, "event-3a"))
    assert memory.find((1, "event-3a")) is None
    memory.remember([(1, "later-1")], carriers[0], now_ms=2_000)  # type: ignore[arg-type] # see Carrier
    memory.remember([(1, "later-2")], carriers[0], now_ms=4_000)  # type: ignore[arg-type] # see Carrier
    assert memory.find((1, "event-3b")) is None


@pytest.mark.servers
async def test_the_synthetic_member_may_send_for_its_own_sessions_and_nobody_else_may(kafka_only: Settings) -> None:
    door = Publisher(kafka_only, now_ms, directory())
    sent = synthetic_round("bb", 1, now_ms())
    assert [outcome.kind for outcome in await door.publish_decoded(sent)] == ["accepted"] * len(sent)
    strange = [replace(sent[0], event_id="strange-1", session_id=SESSION), replace(event(), session_id=sent[0].session_id)]
    assert [outcome.reason for outcome in await door.publish_decoded(strange)] == ["unknown_member", "unknown_session"]
    texts = await asyncio.to_thread(published, kafka_only, *(one.event_id for one in sent))
    assert sorted(text["key"] for text in texts) == sorted(one.session_id or "" for one in sent)
    await door.close()
