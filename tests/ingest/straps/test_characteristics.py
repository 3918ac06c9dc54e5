"""What packets say: the collected vectors, the standard's corners, and any bytes at all."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.straps.characteristics.battery import decode_battery
from ingest.straps.characteristics.cross_trainer import decode_cross_trainer
from ingest.straps.characteristics.cycling_cadence import decode_cycling_cadence
from ingest.straps.characteristics.cycling_power import decode_cycling_power
from ingest.straps.characteristics.heart_rate import decode_heart_rate
from ingest.straps.characteristics.indoor_bike import decode_indoor_bike
from ingest.straps.characteristics.known import DECODERS, full_uuid
from ingest.straps.characteristics.packet import BadPacket
from ingest.straps.characteristics.revolutions import RevolutionCounter, Revolutions
from ingest.straps.characteristics.rower import decode_rower
from ingest.straps.characteristics.running import decode_running
from ingest.straps.characteristics.treadmill import decode_treadmill

OURS = {
    "hr_bpm": "heart_rate_bpm",
    "rr_raw_1024": "rr_1024",
    "power_w": "power_watts",
    "avg_power_w": "average_power_watts",
    "balance_pct": "balance_percent",
    "wheel_revs": "wheel.count",
    "wheel_event_raw_1024": "wheel.last_at",
    "wheel_event_raw_2048": "wheel.last_at",
    "crank_revs": "crank.count",
    "crank_event_raw_1024": "crank.last_at",
    "speed_ms": "speed_mps",
    "cadence_spm": "steps_per_minute",
}
"""The vectors' names for what we call otherwise."""
NOT_FACTS = {"t_s", "hex"}


def decode(vector: dict[str, Any], content: str) -> Any:
    return DECODERS[full_uuid(int(vector["characteristic"], 16))](bytes.fromhex(content))


def said(measurement: Any, name: str) -> Any:
    found = measurement
    for part in OURS.get(name, name).split("."):
        found = getattr(found, part)
    return list(found) if isinstance(found, tuple) else found


def test_every_collected_vector_is_decoded_to_what_is_known_of_it(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "ble" / "vectors.json").read_text())["vectors"]
    assert len(vectors) == 24
    for vector in vectors:
        if not vector["valid"]:
            with pytest.raises(BadPacket):
                decode(vector, vector["hex"])
            continue
        measurement = decode(vector, vector["hex"])
        found = {name: said(measurement, name) for name in vector["expected"]}
        assert found == vector["expected"], vector["hex"]


def test_a_real_trainers_minute_is_decoded_with_its_spare_bytes(shared_data: Path) -> None:
    [trainer] = [
        s for s in json.loads((shared_data / "ble" / "vectors.json").read_text())["sequences"] if "packets_decoded" in s
    ]
    for packet in trainer["packets_decoded"]:
        measurement = decode(trainer, packet["hex"])
        facts = {name: value for name, value in packet.items() if name not in NOT_FACTS}
        assert {name: said(measurement, name) for name in facts} == facts
    assert len(trainer["packets_decoded"]) == 60


def test_60_rpm_stay_60_rpm_while_both_counters_wrap(shared_data: Path) -> None:
    [made] = [s for s in json.loads((shared_data / "ble" / "vectors.json").read_text())["sequences"] if "packets" in s]
    counter = RevolutionCounter(count_bits=16, ticks_per_s=1024, rpm_max=255)
    found = [
        counter.rpm(decode_cycling_cadence(bytes.fromhex(packet)).crank or Revolutions(0, 0), 1_000 * second)
        for second, packet in enumerate(made["packets"])
    ]
    assert found == made["expected_cadence_rpm"]


@given(st.sampled_from([*DECODERS.values(), decode_battery]), st.binary(max_size=64))
def test_any_bytes_are_decoded_or_refused_as_a_bad_packet(decoder: Any, content: bytes) -> None:
    with suppress(BadPacket):
        assert decoder(content) is not None


@given(st.integers(0, 65_535), st.lists(st.integers(0, 65_535), max_size=9), st.sampled_from([None, True, False]))
def test_a_written_heart_rate_is_read_back(bpm: int, rr: list[int], contact: bool | None) -> None:
    flags = 1 | (0 if contact is None else 4 | 2 * contact) | (16 if rr else 0)
    content = bytes([flags]) + bpm.to_bytes(2, "little") + b"".join(ticks.to_bytes(2, "little") for ticks in rr)
    heart = decode_heart_rate(content)
    assert (heart.heart_rate_bpm, heart.contact, heart.rr_1024) == (bpm, contact, tuple(rr))
    assert all(abs(ms - ticks / 1.024) <= 0.5 for ms, ticks in zip(heart.rr_ms, filter(None, rr), strict=True))


def test_half_an_interval_at_the_end_is_a_bad_packet() -> None:
    with pytest.raises(BadPacket, match="half"):
        decode_heart_rate(bytes.fromhex("105A000800"))


def test_power_packets_with_everything_in_them_are_read_to_the_energy_at_the_end() -> None:
    flags = 0x1 | 0x4 | 0x10 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
    content = flags.to_bytes(2, "little") + (321).to_bytes(2, "little") + b"\x64" + (320).to_bytes(2, "little")
    content += bytes(6) + bytes(4) + bytes(4 + 4 + 3 + 2 + 2) + (77).to_bytes(2, "little")
    power = decode_cycling_power(content)
    assert (power.power_watts, power.balance_percent, power.torque_nm, power.energy_kj) == (321, 50.0, 10.0, 77)


def test_a_charge_above_100_percent_is_a_lie() -> None:
    assert decode_battery(b"\x64") == 100
    with pytest.raises(BadPacket):
        decode_battery(b"\xff")


def test_a_machine_that_splits_its_data_is_understood_in_parts() -> None:
    first, second = bytes.fromhex("0000DC05"), bytes.fromhex("4500B4009600")
    assert decode_indoor_bike(first).speed_kmh == 15.0
    rest = decode_indoor_bike(second)
    assert (rest.speed_kmh, rest.cadence_rpm, rest.power_watts) == (None, 90.0, 150)


def test_both_editions_of_the_resistance_are_told_apart_by_the_packets_length() -> None:
    old = decode_indoor_bike(bytes.fromhex("6100" + "0500" + "C800"))
    new = decode_indoor_bike(bytes.fromhex("6100" + "05" + "C800"))
    assert (old.resistance, old.power_watts) == (5, 200)
    assert (new.resistance, new.power_watts) == (50, 200)


def test_an_energy_that_is_not_available_is_none() -> None:
    assert decode_indoor_bike(bytes.fromhex("0101" + "FFFF" + "FFFF" + "FF")).energy_kcal is None
    assert decode_indoor_bike(bytes.fromhex("0101" + "2A00" + "FFFF" + "FF")).energy_kcal == 42


def test_a_treadmill_says_speed_distance_slope_energy_power_and_steps() -> None:
    flags = 0x4 | 0x8 | 0x80 | 0x1000 | 0x2000
    content = flags.to_bytes(2, "little") + (1080).to_bytes(2, "little") + (1500).to_bytes(3, "little")
    content += (-25).to_bytes(2, "little", signed=True) + bytes(2) + (120).to_bytes(2, "little") + bytes(3)
    content += bytes(2) + (240).to_bytes(2, "little") + (1999).to_bytes(3, "little")
    run = decode_treadmill(content)
    assert (run.speed_kmh, run.distance_m, run.inclination_percent) == (10.8, 1500, -2.5)
    assert (run.energy_kcal, run.power_watts, run.step_count) == (120, 240, 1999)


def test_a_rower_says_strokes_pace_and_power() -> None:
    content = (0x4 | 0x8 | 0x20).to_bytes(2, "little") + b"\x31" + (77).to_bytes(2, "little")
    content += (900).to_bytes(3, "little") + (125).to_bytes(2, "little") + (180).to_bytes(2, "little")
    row = decode_rower(content)
    assert (row.cadence_rpm, row.distance_m, row.pace_s_per_500m, row.power_watts) == (24.5, 900, 125, 180)


def test_a_cross_trainers_flags_have_three_bytes() -> None:
    content = (0x8 | 0x100).to_bytes(3, "little") + (850).to_bytes(2, "little") + (130).to_bytes(2, "little")
    stride = decode_cross_trainer(content + bytes(2) + (210).to_bytes(2, "little"))
    assert (stride.speed_kmh, stride.cadence_rpm, stride.power_watts) == (8.5, 65, 210)


def test_a_runner_and_a_walker_are_told_apart() -> None:
    assert decode_running(bytes.fromhex("048002B4")).running
    assert not decode_running(bytes.fromhex("008002B4")).running


@given(
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**16 - 1),
    st.lists(st.tuples(st.integers(1, 4), st.integers(300, 1200)), min_size=1, max_size=40),
)
def test_a_counters_rates_are_right_wherever_it_begins(count: int, ticks: int, turns: list[tuple[int, int]]) -> None:
    counter = RevolutionCounter(count_bits=16, ticks_per_s=1024, rpm_max=255)
    at_ms = 1_000
    assert counter.rpm(Revolutions(count, ticks), at_ms) is None
    for more, each in turns:
        count, ticks, at_ms = (count + more) % 2**16, (ticks + more * each) % 2**16, at_ms + 1_000
        assert counter.rpm(Revolutions(count, ticks), at_ms) == pytest.approx(60 * 1024 / each)


def test_a_crank_that_does_not_turn_is_silent_then_0_and_turns_again() -> None:
    counter = RevolutionCounter(count_bits=16, ticks_per_s=1024, rpm_max=255)
    still = [counter.rpm(Revolutions(9, 100), second * 1_000) for second in range(5)]
    assert still == [None, None, None, 0.0, 0.0]
    assert counter.rpm(Revolutions(10, 100 + 5 * 1024), 5_000) == pytest.approx(12)


def test_after_a_long_silence_counting_begins_anew() -> None:
    counter = RevolutionCounter(count_bits=16, ticks_per_s=1024, rpm_max=255)
    counter.rpm(Revolutions(9, 100), 0)
    assert counter.rpm(Revolutions(99, 200), 70_000) is None
    assert counter.rpm(Revolutions(100, 200 + 1024), 71_000) == pytest.approx(60)


@pytest.mark.parametrize("after", [Revolutions(3, 1124), Revolutions(400, 1124), Revolutions(10, 100)])
def test_a_counter_that_jumps_is_refused_once_and_followed_from_there(after: Revolutions) -> None:
    counter = RevolutionCounter(count_bits=16, ticks_per_s=1024, rpm_max=255)
    counter.rpm(Revolutions(9, 100), 0)
    with pytest.raises(BadPacket):
        counter.rpm(after, 1_000)
    assert counter.rpm(Revolutions(after.count + 1, after.last_at + 1024), 2_000) == pytest.approx(60)
