"""A device whose clock is wrong is noticed, its times are set right, and the trainer reads of it; stored data stay."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from infra.directory import Directory
from infra.settings import Settings
from ingest.gateway.clock_notes import ClockNotes, clock_words
from ingest.gateway.clocks import ClockNews, DeviceClocks
from ingest.gateway.door import Door
from ingest.gateway.rates import Rates
from ingest.gateway.refused_bytes import RefusedBytes
from ingest.publisher import Publisher
from schemas.directory import MemberRecord, Participant, SessionRecord
from schemas.events import DeviceEvent, HeartRate
from schemas.ranges import CLOCK_OFF_MAX_MS
from schemas.topics import APP_EVENTS, DEVICE_EVENTS
from tests.conftest import FakeClock
from tests.ingest.people import RunningGateway, dead_letters, device_record, heart_rate, read_topic

MEMBER = 810_001
SESSION = "0a1b2c3d-0000-4000-8000-0000008d0001"
MINUTE = 60_000


def beat(at_ms: int, number: int = 0, device: str = "strap") -> HeartRate:
    return HeartRate(event_id=f"clock-{number:06}", member_id=MEMBER, device_id=device, event_time_ms=at_ms, heart_rate_bpm=140)


@dataclass
class Gym:
    """One device sends to the clocks' keeper; `now_ms` is ours."""

    clocks: DeviceClocks = field(default_factory=DeviceClocks)
    now_ms: int = 1_790_000_000_000
    news: list[ClockNews] = field(default_factory=list)

    def send(self, *ages_ms: int, device: str = "strap") -> list[int]:
        """One request with events so old; how old they are said to be afterwards."""
        events, news = self.clocks.correct([beat(self.now_ms - age, device=device) for age in ages_ms], self.now_ms)
        self.news += news
        assert all(isinstance(event, HeartRate) for event in events)
        return [self.now_ms - event.event_time_ms for event in events if isinstance(event, HeartRate)]

    def live(self, seconds: int, age_ms: Callable[[int], int]) -> list[int]:
        """One event a second."""
        told = []
        for second in range(seconds):
            told += self.send(age_ms(second))
            self.now_ms += 1_000
        return told


@pytest.mark.parametrize("behind_ms", [7_000, 3 * MINUTE, 14 * MINUTE])
def test_a_stream_that_always_lags_is_told_and_keeps_its_times(behind_ms: int) -> None:
    gym, jitter = Gym(), random.Random(1)
    ages = gym.live(60, lambda _: behind_ms + jitter.randrange(40, 900))
    assert min(ages) >= behind_ms, "its clock may be slow, or its hub behind: only one of them would want other times"
    assert [round(one.offset_ms, -3) for one in gym.news] == [round(behind_ms, -3)]


@pytest.mark.parametrize("ahead_ms", [6_000, 3 * MINUTE, 14 * MINUTE])
def test_one_reading_from_the_future_proves_a_fast_clock(ahead_ms: int) -> None:
    gym = Gym()
    ages = gym.live(30, lambda _: -ahead_ms + 60)
    assert max(abs(age) for age in ages) <= 60
    assert [one.offset_ms for one in gym.news] == [60 - ahead_ms]


def test_what_a_fast_clock_had_stored_is_moved_as_a_whole() -> None:
    gym = Gym()
    assert gym.send(20_000, 0, -20_000, -40_000) == [60_000, 40_000, 20_000, 0]
    assert gym.send(-15_000) == [25_000], "stored too: the clock has not changed"


def test_stored_data_keep_their_times_however_they_are_sent() -> None:
    gym = Gym()
    stored = list(range(8 * MINUTE, 0, -1_000))
    assert gym.send(*stored) == stored
    for factor in (2, 5, 20):
        ages = [max(0, 8 * MINUTE - second * (factor - 1) * 1_000) for second in range(60)]
        assert gym.live(60, ages.__getitem__) == ages
    weekly = [6 * 24 * 60 * MINUTE + n for n in range(5)]
    assert gym.live(5, weekly.__getitem__) == weekly
    sync = [gym.send(*range(90_000, 30_000, -5_000)) for _ in range(6) if setattr(gym, "now_ms", gym.now_ms + MINUTE) is None]
    assert {tuple(ages) for ages in sync} == {tuple(range(90_000, 30_000, -5_000))}, "a watch that syncs by the minute"
    assert gym.news == []


def test_a_clock_that_is_set_right_is_believed_again() -> None:
    slow, fast = Gym(), Gym()
    slow.live(25, lambda _: 2 * MINUTE)
    assert slow.live(5, lambda _: 30) == [30] * 5, "a slow clock that is right proves it with its first reading"
    fast.live(25, lambda _: -2 * MINUTE)
    assert fast.live(40, lambda _: 30)[-10:] == [30] * 10
    for gym in (slow, fast):
        gym.now_ms += MINUTE
        gym.live(5, lambda _: 30)
        assert [one.offset_ms == 0 for one in gym.news] == [False, True]
        assert not gym.clocks.held, "no suspicion is left"


def test_every_device_has_its_own_clock_and_right_ones_are_not_looked_at() -> None:
    gym = Gym()
    assert gym.send(-MINUTE, device="watch") == [0]
    assert gym.send(100, device="strap") == [100]
    assert list(gym.clocks.held) == [(MEMBER, "watch")]


def test_a_clock_that_runs_away_is_told_once_a_minute_at_most() -> None:
    gym = Gym()
    gym.live(180, lambda second: -6_000 - second * 3_000)
    assert 2 <= len(gym.news) <= 4


def test_whole_time_zones_are_not_set_right() -> None:
    gym = Gym()
    far = -(CLOCK_OFF_MAX_MS + 1_000)
    assert gym.send(far) == [far], "the publisher refuses it"
    assert gym.news == []


def test_the_words_name_member_device_and_direction() -> None:
    assert (
        clock_words("Ada", "strap-7", -183_000)
        == "Ada: the clock of strap-7 is 3 min 3 s ahead; its times are corrected from now on."
    )
    assert "come 50 s late: its clock is slow, or its hub is behind." in clock_words("Ada", "strap-7", 50_000)
    assert clock_words("Ada", "strap-7", 0) == "Ada: strap-7 is on time again."


@pytest.mark.servers
async def test_the_correction_stands_in_the_event_and_in_the_classs_notes(kafka_only: Settings, clock: FakeClock) -> None:
    directory = Directory()
    directory.put(MemberRecord(member_id=MEMBER))
    person = Participant(member_id=MEMBER, name="Ada", heart_rate_zone_floors_bpm=(95, 114, 133, 152, 171))
    directory.put(
        SessionRecord(
            session_id=SESSION, class_name="Spin", class_type="spin", started_at_ms=clock() - 1_000, participants=(person,)
        )
    )
    publisher = Publisher(kafka_only, clock, directory, door="gateway")
    notes = ClockNotes(directory, publisher)
    door = Door(publisher, Rates(kafka_only), RefusedBytes(publisher.producer, clock), notes, clock, 10)
    hub, fast_ms = device_record("pd_hub_of_the_clock_test"), 4 * MINUTE
    for number in range(-1, 40):
        event: DeviceEvent = beat(clock() + fast_ms * (number >= 0), number % 1_000)
        assert (await door.take("http", hub, [msgspec.json.encode(event)])).accepted == 1
        clock.forward(1)
    await publisher.close()
    mine = {e["event_id"]: e for e in read_topic(kafka_only, DEVICE_EVENTS) if e.get("member_id") == MEMBER}
    last, first = mine["clock-000039"], mine["clock-000999"]
    assert "clock_offset_ms" not in first
    assert last["clock_offset_ms"] == -fast_ms
    assert (last["event_time_ms"], last["session_id"]) == (last["received_time_ms"], SESSION)
    [note] = [e for e in read_topic(kafka_only, APP_EVENTS) if e.get("session_id") == SESSION]
    assert (note["type"], note["note_type"], note["member_id"], note["source"]) == (
        "note_added",
        "device_clock",
        MEMBER,
        "gateway",
    )
    assert note["text"] == "Ada: the clock of strap is 4 min ahead; its times are corrected from now on."


@pytest.mark.servers
def test_only_the_gateway_says_what_was_corrected(gateway: RunningGateway) -> None:
    event = heart_rate(clock_offset_ms=60_000)
    answer = gateway.post(event)
    assert (answer.status_code, answer.json()["rejected"][0]["reason"]) == (422, "unknown_field")
    assert [letter.reason for letter in dead_letters(gateway.settings) if event["event_id"].encode() in letter.payload] == [
        "unknown_field"
    ]


@pytest.mark.servers
def test_an_hour_ahead_is_refused_and_a_minute_ahead_is_set_right(gateway: RunningGateway) -> None:
    hour, minute = heart_rate(), heart_rate(device_id="fast-strap")
    hour["event_time_ms"] += 60 * MINUTE
    minute["event_time_ms"] += MINUTE
    answer = gateway.post([hour, minute]).json()
    assert (answer["accepted"], [refused["reason"] for refused in answer["rejected"]]) == (1, ["too_far_ahead"])
    assert gateway.counted("clock_corrected") >= 1
    [taken] = [e for e in read_topic(gateway.settings, DEVICE_EVENTS) if e["event_id"] == minute["event_id"]]
    assert taken["event_time_ms"] <= taken["received_time_ms"]
    assert taken["clock_offset_ms"] < -50_000
