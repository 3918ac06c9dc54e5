"""Recordings as series: several sports, other sources of the way, sampling of any rate."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.activity import Activity
from analysis.analyse import analyse
from analysis.athlete import Athlete
from analysis.class_totals import class_totals
from ingest.parsers.files import read_bytes, read_recording
from ingest.parsers.recording import Recording
from tests.recordings import simulated_ride, write_fit


def tracks(*kinds: tuple[str, int]) -> Recording:
    """A GPX of several sports, ten minutes each, at so many 1/100,000 degrees of latitude a second."""
    text, second, north = "", 0, 0
    for kind, step in kinds:
        points = ""
        for _ in range(601):
            north += step
            minute, hour = second // 60 % 60, 10 + second // 3600
            time = f"2026-01-01T{hour:02d}:{minute:02d}:{second % 60:02d}Z"
            points += f'<trkpt lat="{50 + north / 1e5:.5f}" lon="7"><time>{time}</time><hr>{140}</hr></trkpt>'
            second += 1
        text += f"<trk><type>{kind}</type><trkseg>{points}</trkseg></trk>"
    return read_bytes(f"<gpx>{text}</gpx>".encode(), "several.gpx")


def streams(**columns: list[Any]) -> Recording:
    return read_bytes(json.dumps(columns).encode(), "a.json")


def test_several_sports_are_analysed_each_and_as_a_whole() -> None:
    found = analyse(tracks(("swimming", 1), ("cycling", 8), ("running", 3)), Athlete(max_bpm=190))
    assert found.sport == "swimming, cycling, running"
    assert [part.sport for part in found.parts] == ["swimming", "cycling", "running"]
    ways = [part.values["distance_m"] for part in found.parts]
    assert ways == pytest.approx([600 * 1.11195, 600 * 8.8956, 600 * 3.33585], rel=0.01)
    assert found.values["distance_m"] == pytest.approx(sum(ways), rel=0.01)
    assert found.values["moving_time_s"] == pytest.approx(1800, abs=5)


def test_sessions_whose_times_contradict_each_other_are_cut_where_the_next_begins() -> None:
    recording = tracks(("cycling", 8), ("running", 3))
    first, second = recording.sessions
    odd = replace(
        recording, sessions=(replace(first, start_ms=first.start_ms + 200_000, end_ms=first.end_ms + 400_000), second)
    )
    found = analyse(odd, Athlete())
    assert [part.values["elapsed_time_s"] for part in found.parts] == [600, 600]
    assert found.values["moving_time_s"] <= found.values["elapsed_time_s"]


def test_a_total_that_begins_anew_with_the_next_sport_is_summed() -> None:
    way = [3.0 * at for at in range(600)] + [5.0 * at for at in range(600)]
    assert Activity(streams(time=list(range(1200)), distance=way)).way_m[-1] == pytest.approx(599 * 3 + 599 * 5)  # type: ignore[index]  # there is a way


def test_the_way_over_a_gap_tells_whether_somebody_moved() -> None:
    times = [*range(60), *range(120, 180), *range(400, 460)]
    ran = [3.0 * at for at in times[:120]] + [3.0 * 179 + 3.0 * (at - 400) for at in times[120:]]
    activity = Activity(streams(time=times, distance=ran, heartrate=[140] * 180))
    assert activity.timer_s == 179 + 59
    assert activity.counted_s == 3 * 59
    assert activity.moving_s == pytest.approx(activity.timer_s, abs=2)


def test_standing_is_no_moving_and_pace_is_by_the_timer() -> None:
    speed = [3.0] * 300 + [0.0] * 100
    way = [3.0 * min(at, 299) for at in range(400)]
    found = analyse(streams(time=list(range(400)), velocity_smooth=speed, distance=way), Athlete())
    assert found.values["moving_time_s"] == 299
    assert found.values["pace_avg_s_per_km"] == pytest.approx(399 / 0.897, abs=1e-3)
    assert found.values["pace_moving_s_per_km"] == pytest.approx(1000 / 3, abs=1e-3)


def test_speed_known_for_less_than_half_of_the_time_gives_no_moving_time() -> None:
    speed = [3.0] * 100 + [None] * 300
    found = analyse(streams(time=list(range(400)), velocity_smooth=speed), Athlete())
    assert "less than half" in found.absent["moving_time_s"]


def test_a_class_of_one_is_the_same_however_its_recording_is_kept(tmp_path: Path) -> None:
    ride = simulated_ride(300)
    person = Athlete(max_bpm=190, resting_bpm=60, sex="female")
    by_file = class_totals(read_recording(write_fit(tmp_path / "a.fit", ride)), person)
    columns = {"heartrate": ride.heart_rate_bpm, "watts": ride.power_watts, "cadence": ride.cadence_rpm}
    by_streams = class_totals(streams(time=list(range(300)), **columns), person)
    for name in ("heart_rate_avg_bpm", "zone_s", "trimp", "normalized_power_watts", "cadence_avg_rpm", "seconds_seen"):
        assert getattr(by_file, name) == getattr(by_streams, name), name


@pytest.mark.parametrize("columns", [{}, {"heartrate": [None]}, {"heartrate": [150]}, {"watts": [200], "altitude": [100.0]}])
def test_a_single_record_is_analysed_without_a_fault(columns: dict[str, Any]) -> None:
    found = analyse(
        streams(time=[0], **columns), Athlete(max_bpm=190, resting_bpm=60, ftp_watts=200, zone_bounds_bpm=(100, 120))
    )
    assert found.values["elapsed_time_s"] == 0
    assert "normalized_power" in found.absent
    assert "trimp_banister" in found.absent


def test_a_text_of_intervals_may_begin_with_a_remark() -> None:
    text = "# at rest, lying\n" + "\n".join(["0.8", "0.85"] * 30)
    found = analyse(read_bytes(text.encode(), "rest.txt"), Athlete())
    assert found.values["mean_nn"] == 825
    assert found.values["rmssd"] == pytest.approx(50, abs=0.5)
