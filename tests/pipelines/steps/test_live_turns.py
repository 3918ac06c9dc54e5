"""Pictures of many classes in turns: nobody waits for everybody, and in the end everybody was served."""

from pipelines.steps.shard import LiveShard
from schemas.directory import Participant, SessionRecord
from schemas.events import Reading
from schemas.live import LiveUpdate

STARTED_MS = 1_763_712_000_000
CLASSES, SIZE = 6, 10
FLOORS = (95, 114, 133, 152, 171)


def session_id(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000001"


def shard_with_classes() -> LiveShard:
    shard = LiveShard.restore(None)
    for number in range(CLASSES):
        people = tuple(
            Participant(member_id=number * 100 + i + 1, name=f"Member {i}", heart_rate_zone_floors_bpm=FLOORS)
            for i in range(SIZE)
        )
        shard.put_session(
            SessionRecord(
                session_id=session_id(number),
                class_id=number + 1,
                class_name="Spin",
                class_type="spin",
                started_at_ms=STARTED_MS,
                participants=people,
            )
        )
    return shard


def everybody(second: int) -> list[Reading]:
    return [
        Reading(
            type="heart_rate",
            event_id=f"{number}:{i}:{second}",
            session_id=session_id(number),
            member_id=number * 100 + i + 1,
            device_id="d",
            event_time_ms=STARTED_MS + second * 1000,
            received_time_ms=STARTED_MS + second * 1000 + 40,
            heart_rate_bpm=100 + second,
        )
        for number in range(CLASSES)
        for i in range(SIZE)
    ]


def in_turns(shard: LiveShard, now_ms: int, most: int) -> list[list[LiveUpdate]]:
    rounds = [shard.take_live(now_ms, most)]
    while shard.live_left:
        rounds.append(shard.take_live(now_ms, most))
    return rounds


def said(updates: list[LiveUpdate]) -> dict[str, tuple[str, tuple[int, ...], dict[str, list[object]]]]:
    return {update.session_id: (update.kind, update.rows, update.columns) for update in updates}


def test_turns_together_say_what_one_call_says() -> None:
    at_once, by_turns = shard_with_classes(), shard_with_classes()
    for second in range(3):
        for shard in (at_once, by_turns):
            shard.readings(everybody(second))
        now_ms = STARTED_MS + second * 1000 + 50
        whole = at_once.take_live(now_ms)
        rounds = in_turns(by_turns, now_ms, 2 * (SIZE + 4))
        assert [len(updates) for updates in rounds] == [2, 2, 2]
        assert said([update for updates in rounds for update in updates]) == said(whole)


def test_a_class_larger_than_a_turn_is_served_whole() -> None:
    shard = shard_with_classes()
    shard.readings(everybody(0))
    rounds = in_turns(shard, STARTED_MS + 50, 1)
    assert [len(updates) for updates in rounds] == [1] * CLASSES
    assert {update.session_id for updates in rounds for update in updates} == {session_id(n) for n in range(CLASSES)}


def test_who_was_not_served_comes_before_who_was() -> None:
    shard = shard_with_classes()
    shard.readings(everybody(0))
    first = shard.take_live(STARTED_MS + 50, 2 * (SIZE + 4))
    shard.readings(everybody(1))
    second = shard.take_live(STARTED_MS + 1_050, 2 * (SIZE + 4))
    assert [update.session_id for update in first] == [session_id(0), session_id(1)]
    assert [update.session_id for update in second] == [session_id(2), session_id(3)]


def test_whole_pictures_of_classes_that_began_together_spread_over_the_interval() -> None:
    shard = shard_with_classes()
    shard.readings(everybody(0))
    shard.take_live(STARTED_MS + 50)
    keyframes = [
        sum(update.kind == "key" for update in shard.take_live(STARTED_MS + 50 + 1_000 * second)) for second in range(1, 11)
    ]
    assert sum(keyframes) == CLASSES
    assert max(keyframes) <= 2
