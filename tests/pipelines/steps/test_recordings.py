"""Whole recordings through the shard, by the second and in batches: the totals that others published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.parsers.files import read_recording
from ingest.parsers.recording import Recording
from pipelines.steps.moving import travelled_m
from pipelines.steps.results import MemberSummary
from pipelines.steps.shard import LiveShard
from pipelines.steps.variability import variability
from schemas.events import Reading
from tests.pipelines.steps.people import SESSION, member, session
from tests.recordings import recorded, simulated_ride, write_fit


def readings_of(recording: Recording) -> list[Reading]:
    """Every value of the recording as a strap and a power meter would have sent it."""
    found = []
    for row in recording.records.iter_rows(named=True):
        common = {"member_id": 1, "device_id": "d", "event_time_ms": row["time_ms"], "received_time_ms": row["time_ms"] + 30}
        for name in ("heart_rate_bpm", "power_watts", "cadence_rpm", "speed_mps"):
            if row[name] is not None:
                values: dict[str, Any] = {name: row[name]}
                if name == "speed_mps" and row["distance_m"] is not None:
                    values["distance_m"] = row["distance_m"]
                kind = name.rsplit("_", 1)[0]
                found.append(Reading(type=kind, event_id=f"{kind}:{row['time_ms']}", session_id=SESSION, **common, **values))
    for at_ms, rr_ms in recording.beats.iter_rows():
        beat = {"event_time_ms": at_ms, "received_time_ms": at_ms + 30, "rr_ms": (round(rr_ms),)}
        found.append(Reading(type="heart_rate", event_id=f"rr:{at_ms}", member_id=1, device_id="d", session_id=SESSION, **beat))
    return sorted(found, key=lambda event: event.event_time_ms)


def played(recording: Recording, batch: int = 500, **person: Any) -> MemberSummary:
    record = session([member(1, **person)], started_at_ms=recording.start_ms)
    shard = LiveShard.restore(None)
    shard.put_session(record)
    readings = readings_of(recording)
    for begin in range(0, len(readings), batch):
        assert shard.readings(readings[begin : begin + batch]) == []
    shard.put_session(session([member(1, **person)], started_at_ms=recording.start_ms, ended_at_ms=recording.end_ms))
    shard.tick(recording.end_ms + 1_000, caught_up=True)
    (summary,) = shard.take_summaries()
    return summary.members[0]


def test_a_ride_with_power_and_pauses(shared_data: Path) -> None:
    recording = recorded(shared_data / "activities/ride_power_rr.fit")
    found = played(recording, heart_rate_zone_floors_bpm=(93, 108, 126, 145, 167))
    assert found.heart_rate_avg_bpm == pytest.approx(141.37, abs=0.6)
    assert found.heart_rate_max_bpm == 172
    assert found.normalized_power_watts == pytest.approx(264, rel=0.025)
    assert found.power_avg_watts == pytest.approx(194.41, rel=0.01)
    # The device's timer stood still in pauses of 5, 5 and 7 s; a live class has no such timer and counts up to 10 s.
    assert found.zone_s == pytest.approx((0, 55.3, 1009.0, 4055.1, 3490.0, 179.0), abs=15 + 17)
    assert found.seconds_seen == 8823
    assert found.rmssd_ms == pytest.approx(variability(recording.beats["rr_ms"].round().to_numpy()).rmssd_ms, rel=0.02)


def test_a_rowing_session_recorded_every_other_second(shared_data: Path) -> None:
    found = played(
        recorded(shared_data / "activities/indoor_rowing_intervals.fit"),
        batch=7,
        heart_rate_zone_floors_bpm=(112, 126, 141, 156, 171),
    )
    assert found.heart_rate_avg_bpm == pytest.approx(131.42, abs=0.6)
    assert found.heart_rate_max_bpm == 179
    assert found.zone_s == pytest.approx((740.8, 72.0, 69.0, 163.0, 404.9, 254.7), abs=15)


def test_six_hours_in_the_mountains(shared_data: Path) -> None:
    found = played(
        recorded(shared_data / "activities/ride_huez_6h.fit"),
        sex="male",
        max_heart_rate_bpm=195,
        resting_heart_rate_bpm=65,
        age_years=30,
    )
    assert found.heart_rate_max_bpm == 174
    assert found.heart_rate_avg_bpm == pytest.approx(148, abs=0.6)
    assert found.intensity == pytest.approx(6.37, abs=0.06)
    assert found.trimp == pytest.approx(482.5, rel=0.01)
    assert found.distance_m == pytest.approx(141_930, rel=0.002)


def test_several_sports_whose_counter_starts_again_add_up_as_in_the_analysis(shared_data: Path) -> None:
    recording = recorded(shared_data / "activities/multisport_7_sessions.fit")
    totals = recording.records["distance_m"].drop_nulls().to_numpy()
    assert (np.diff(totals) < -100).any()
    assert played(recording).distance_m == pytest.approx(travelled_m(totals)[-1], rel=0.01)


def test_work_becomes_energy(shared_data: Path) -> None:
    found = played(recorded(shared_data / "activities/ride_first_power.fit"))
    assert found.power_max_watts == 564
    assert found.energy_kcal == pytest.approx(1525 / 0.24 / 4.184, rel=0.02)


def test_a_simulated_ride_through_a_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    ride = simulated_ride(400)
    found = played(read_recording(write_fit(tmp_path / "ride.fit", ride)), batch=33)
    assert found.heart_rate_avg_bpm == pytest.approx(sum(ride.heart_rate_bpm) / 400)
    assert found.power_avg_watts == pytest.approx(sum(ride.power_watts) / 400)
    assert found.cadence_avg_rpm == pytest.approx(sum(ride.cadence_rpm) / 400)
    assert found.seconds_seen == 400
    assert sum(found.zone_s) == 399
    assert found.rmssd_ms is not None
