"""From packets to events: what a member's straps and machines become."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.straps.characteristics.known import DECODERS, full_uuid
from ingest.straps.measuring import Measuring, RunningTotal
from schemas.events import Cadence, DeviceEvent, Energy, HeartRate, Power, Speed, Steps

HEART, POWER, CADENCE, RUNNING = (full_uuid(number) for number in (0x2A37, 0x2A63, 0x2A5B, 0x2A53))
BIKE, TREADMILL = full_uuid(0x2AD2), full_uuid(0x2ACD)
NOW_MS = 1_790_000_000_000


def strap() -> Measuring:
    return Measuring("C0:FF:EE:00:00:01", 7)


def test_a_beat_is_the_members_event_with_intervals_in_milliseconds() -> None:
    [beat] = strap().events(HEART, bytes.fromhex("165A00080010"), NOW_MS)
    assert isinstance(beat, HeartRate)
    assert (beat.heart_rate_bpm, beat.rr_ms, beat.contact) == (90, (2000, 4000), True)
    assert (beat.member_id, beat.device_id, beat.event_time_ms) == (7, "C0:FF:EE:00:00:01", NOW_MS)


def test_ids_never_repeat_even_within_a_millisecond() -> None:
    measuring = strap()
    events = [event for _ in range(50) for event in measuring.events(HEART, b"\x00\x50", NOW_MS)]
    assert len({event.event_id for event in events}) == 50


def test_a_straps_energy_begins_at_0_with_us_and_goes_on_after_a_reset() -> None:
    measuring = strap()
    packets = [b"\x08\x50" + kj.to_bytes(2, "little") for kj in (1000, 1000, 1010, 1010, 1020, 5)]
    events = [event for packet in packets for event in measuring.events(HEART, packet, NOW_MS)]
    assert [event.energy_kcal for event in events if isinstance(event, Energy)] == [2.4, 4.8, 6.0]


def test_a_strap_that_lies_sends_nothing_and_every_lie_is_counted() -> None:
    measuring = strap()
    for lie in ("00", "", "00FF", "0000", "08500A", "10500", "01FFFF"):
        assert measuring.events(HEART, bytes.fromhex(lie.ljust(len(lie) + len(lie) % 2, "0")), NOW_MS) == []
    assert measuring.dropped == {"bad_packet": 4, "implausible": 3}
    assert measuring.last_dropped.startswith("heart_rate: ")


def test_power_below_0_is_implausible_but_the_crank_still_counts() -> None:
    measuring = strap()
    packet = bytes.fromhex("2000") + (-5).to_bytes(2, "little", signed=True)
    measuring.events(POWER, packet + bytes.fromhex("90010004"), NOW_MS)
    events = measuring.events(POWER, packet + bytes.fromhex("91010008"), NOW_MS + 1_000)
    assert [(type(event), event.cadence_rpm) for event in events if isinstance(event, Cadence)] == [(Cadence, 60.0)]
    assert not [event for event in events if isinstance(event, Power)]
    assert measuring.dropped["implausible"] == 2


def test_a_power_meters_wheel_ticks_twice_as_fast_as_a_speed_sensors() -> None:
    speeds = []
    for characteristic, head in ((POWER, "1000FA00"), (CADENCE, "01")):
        measuring = strap()
        events: list[DeviceEvent] = []
        for turns, ticks in ((100, 0), (105, 2048)):
            counters = turns.to_bytes(4, "little") + ticks.to_bytes(2, "little")
            events = measuring.events(characteristic, bytes.fromhex(head) + counters, NOW_MS + ticks)
        speeds += [event.speed_mps for event in events if isinstance(event, Speed)]
    assert speeds == [10.525, 5.263]


def test_a_runners_cadence_counts_one_foot_as_recordings_do() -> None:
    speed, cadence = strap().events(RUNNING, bytes.fromhex("028002B410270000"), NOW_MS)
    assert isinstance(speed, Speed)
    assert (speed.speed_mps, speed.distance_m) == (2.5, 1000.0)
    assert isinstance(cadence, Cadence)
    assert cadence.cadence_rpm == 90


def test_a_bikes_own_heart_rate_is_not_a_straps() -> None:
    events = strap().events(BIKE, bytes.fromhex("4402C409B400960075"), NOW_MS)
    assert [type(event) for event in events] == [Speed, Power, Cadence]


def test_a_treadmills_steps_and_energy_begin_at_0() -> None:
    measuring = strap()
    events: list[DeviceEvent] = []
    for steps, kcal in ((500, 40), (510, 41), (525, 41)):
        content = (0x2081).to_bytes(2, "little") + kcal.to_bytes(2, "little") + bytes(3) + steps.to_bytes(3, "little")
        events += measuring.events(TREADMILL, content, NOW_MS)
    assert [event.step_count for event in events if isinstance(event, Steps)] == [10, 25]
    assert [event.energy_kcal for event in events if isinstance(event, Energy)] == [1.0]


@given(st.lists(st.integers(0, 65_535), max_size=30))
def test_a_running_total_never_falls(values: list[int]) -> None:
    total = RunningTotal()
    found = [said for value in values if (said := total.follow(value)) is not None]
    assert found == sorted(found)


@given(st.lists(st.tuples(st.sampled_from(list(DECODERS)), st.binary(max_size=32), st.integers(0, 5_000)), max_size=20))
def test_no_bytes_of_any_strap_make_measuring_fail(packets: list[tuple[str, bytes, int]]) -> None:
    measuring, at_ms = strap(), NOW_MS
    for characteristic, content, pause_ms in packets:
        at_ms += pause_ms
        for event in measuring.events(characteristic, content, at_ms):
            assert event.member_id == 7
