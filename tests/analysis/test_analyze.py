"""`paceline analyze` as a person runs it, on recordings whose numbers follow from how they were made."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.errors import PacelineError
from tests.recordings import Ride, simulated_ride, write_fit

BODY = ("--max-hr", "190", "--resting-hr", "60", "--sex", "male", "--age", "35", "--mass", "75")


def run(*arguments: object) -> dict[str, Any]:
    outcome = CliRunner().invoke(build(), ["analyze", *map(str, arguments), "--json"], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


def streams(path: Path, **columns: list[Any]) -> Path:
    path.write_text(json.dumps({name: {"data": values} for name, values in columns.items()}))
    return path


@pytest.fixture(scope="module")
def ride(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ride]:
    made = simulated_ride(1500)
    return write_fit(tmp_path_factory.mktemp("rides") / "ride.fit", made), made


def test_a_ride_comes_out_with_its_numbers(ride: tuple[Path, Ride]) -> None:
    path, made = ride
    found = run(path, *BODY, "--ftp", 230, "--cp", 220, "--w-prime", 18000)
    assert found["sport"] == "cycling"
    assert found["hr_avg_over_records"] == pytest.approx(sum(made.heart_rate_bpm) / 1500, abs=1e-3)
    assert found["hr_max"] == max(made.heart_rate_bpm)
    assert found["power_max"] == max(made.power_watts)
    assert found["work_kj"] == pytest.approx(sum(made.power_watts[1:]) / 1000, abs=1e-3)
    assert sum(found["time_in_hr_zone"]) == pytest.approx(1499)
    assert found["intensity_factor"] == pytest.approx(found["normalized_power"] / 230, abs=1e-3)
    assert found["training_stress_score"] == pytest.approx(found["intensity_factor"] ** 2 * 1499 / 36, rel=1e-3)
    assert set(found["w_prime_balance_min"]) == {"integral (Skiba 2012)", "differential"}
    assert found["elapsed_time_s"] == 1499


def test_the_class_of_one_has_the_columns_of_its_table(ride: tuple[Path, Ride]) -> None:
    found = run(ride[0], *BODY)
    summary = found["member_summary"]
    assert summary["heart_rate_avg_bpm"] == found["hr_avg"]
    assert summary["normalized_power_watts"] == found["normalized_power"]
    assert summary["trimp"] == found["trimp_banister"]
    assert summary["effort_points"] == found["effort_points"]
    assert summary["seconds_seen"] == 1500


def test_what_cannot_be_known_is_absent_and_says_why(ride: tuple[Path, Ride]) -> None:
    found = run(ride[0])
    needed = {
        "training_stress_score": "--ftp",
        "trimp_banister": "--max-hr",
        "hrss": "--max-hr",
        "time_in_hr_zone": "--hr-zones",
        "effort_points": "--max-hr",
        "w_prime_balance": "--cp",
        "hr_best_60min_avg": "60 minutes",
        "distance_m": "neither distance",
    }
    for metric, reason in needed.items():
        assert metric not in found
        assert reason in found["absent"][metric]
    assert not {"zone_s", "intensity", "effort_points", "trimp"} & found["member_summary"].keys()


def test_packed_and_plain_are_the_same(ride: tuple[Path, Ride], tmp_path: Path) -> None:
    packed = tmp_path / "ride.fit.gz"
    packed.write_bytes(gzip.compress(ride[0].read_bytes()))
    plain, unpacked = run(ride[0], *BODY), run(packed, *BODY)
    assert plain | {"file": ""} == unpacked | {"file": ""}


def test_own_zones_of_any_number_and_a_value_on_a_bound_in_the_higher(tmp_path: Path) -> None:
    path = streams(tmp_path / "a.json", time=list(range(61)), heartrate=[100] * 31 + [130] * 30)
    assert run(path, "--hr-zones", "100,106,130,145")["time_in_hr_zone"] == [0, 30, 0, 30, 0]
    assert run(path, "--hr-zones", "131")["time_in_hr_zone"] == [60, 0]


def test_a_maximum_by_age_is_said_to_be_an_estimate(tmp_path: Path) -> None:
    path = streams(tmp_path / "a.json", time=list(range(61)), heartrate=[104] * 61)
    found = run(path, "--age", 40)
    assert found["time_in_hr_zone"] == [0, 60, 0, 0, 0, 0]
    assert any("estimated from age" in note for note in found["notes"])


def test_gaps_count_nowhere_and_are_told(tmp_path: Path) -> None:
    times = [*range(100), *range(400, 500), 511, 521]
    found = run(streams(tmp_path / "a.json", time=times, heartrate=[150] * 202), *BODY)
    assert sum(found["time_in_hr_zone"]) == 99 + 99 + 10
    assert found["elapsed_time_s"] == 521
    assert any("313 s lie in gaps" in note for note in found["notes"])


def test_fast_and_slow_sampling_give_the_same_numbers(tmp_path: Path) -> None:
    def ramp(step: float, name: str) -> dict[str, Any]:
        times = [at * step for at in range(round(2400 / step) + 1)]
        watts = [150 + 100 * (int(time) // 300 % 2) for time in times]
        beats = [120 + 30 * (int(time) // 300 % 2) for time in times]
        return run(streams(tmp_path / name, time=times, watts=watts, heartrate=beats), *BODY, "--ftp", 250)

    usual, slow, quick = ramp(1, "a.json"), ramp(4, "b.json"), ramp(0.25, "c.json")
    for metric in ("hr_avg", "power_avg", "normalized_power", "training_stress_score", "work_kj", "trimp_banister"):
        assert slow[metric] == pytest.approx(usual[metric], rel=0.02), metric
        assert quick[metric] == pytest.approx(usual[metric], rel=0.005), metric


def test_recorded_more_slowly_than_gaps_allow_stays_absent(tmp_path: Path) -> None:
    found = run(streams(tmp_path / "a.json", time=[at * 30 for at in range(50)], heartrate=[140] * 50), *BODY)
    assert found["hr_avg"] == 140
    for metric in ("time_in_hr_zone", "trimp_banister", "hrss"):
        assert "within 10 s" in found["absent"][metric]


def test_zeros_of_power_count_and_those_of_heart_rate_do_not(tmp_path: Path) -> None:
    path = streams(tmp_path / "a.json", time=list(range(100)), watts=[0, 200] * 50, heartrate=[0] * 50 + [120] * 50)
    found = run(path)
    assert found["power_avg"] == 100
    assert found["hr_avg_over_records"] == 120
    assert any("50 values of heart_rate_bpm" in note for note in found["notes"])


def test_a_steady_hour_at_threshold_is_a_hundred(tmp_path: Path) -> None:
    path = streams(tmp_path / "a.json", time=list(range(3601)), watts=[250] * 3601, heartrate=[165] * 3601)
    found = run(path, "--ftp", 250, "--max-hr", 190, "--resting-hr", 50, "--threshold-hr", 165, "--sex", "female")
    assert found["training_stress_score"] == pytest.approx(100, abs=0.01)
    assert found["hrss"] == pytest.approx(100, abs=0.1)
    assert found["hrss_by_second"] == pytest.approx(100, abs=0.1)
    assert found["aerobic_decoupling"] == pytest.approx(0)
    assert found["mean_maximal_power"]["3600 s"] == 250


def test_the_published_w_prime_series_by_the_command(tmp_path: Path) -> None:
    path = streams(tmp_path / "a.json", time=list(range(100)), watts=list(range(100)))
    found = run(path, "--cp", 25, "--w-prime", 2000)
    assert found["w_prime_tau"] == pytest.approx(795.4401)
    assert found["w_prime_balance"] == {"integral (Skiba 2012)": pytest.approx(-692.0481), "differential": -775}


def test_intervals_between_beats_as_recorded_and_without_artefacts(tmp_path: Path) -> None:
    path = tmp_path / "rest.txt"
    path.write_text("\n".join(map(str, [800, 860, 800, 830, 805] * 40 + [400, 1250] + [810, 850] * 20)))
    found = run(path)
    assert found["rr_rejected_share"] == pytest.approx(2 / 242 * 100, abs=0.01)
    assert found["rmssd"] > 1.5 * found["rmssd_corrected"]
    assert found["hr_of_mean_nn"] == pytest.approx(60_000 / found["mean_nn"], abs=1e-3)
    assert "no power" in found["absent"]["normalized_power"]


def test_people_get_tables_with_units_and_reasons(ride: tuple[Path, Ride]) -> None:
    outcome = CliRunner().invoke(build(), ["analyze", str(ride[0]), *BODY], catch_exceptions=False, env={"COLUMNS": "160"})
    assert outcome.exit_code == 0
    assert "normalized_power" in outcome.stdout
    assert "Absent (needs --ftp)" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resting-hr", "100", "--max-hr", "100"), "--resting-hr 100 is not below"),
        (("--age", "60", "--threshold-hr", "180"), "--threshold-hr 180 is not below"),
        (("--resting-hr", "90", "--threshold-hr", "85"), "--threshold-hr 85 is not above"),
        (("--cp", "250"), "belong together"),
        (("--hr-zones", "130,106"), "does not ascend"),
        (("--hr-zones", "100,100"), "does not ascend"),
        (("--hr-zones", "100,abc"), "not a list of whole numbers"),
        (("--hr-zones", "100,,120"), "not a list of whole numbers"),
        (("--hr-zones", "10,100"), "10 is no heart rate"),
        (("--hr-zones", ",".join(str(at) for at in range(100, 120))), "20 bounds"),
    ],
)
def test_options_that_cannot_be_true_are_refused(ride: tuple[Path, Ride], arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(PacelineError, match=said):
        CliRunner().invoke(build(), ["analyze", str(ride[0]), *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--ftp", "5"),
        ("--ftp", "much"),
        ("--max-hr", "300"),
        ("--sex", "other"),
        ("--age", "-1"),
        ("--mass", "nan"),
        ("--w-prime", "20"),
        ("--zones", "1"),
    ],
)
def test_options_outside_their_range_are_refused_by_name(ride: tuple[Path, Ride], arguments: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(build(), ["analyze", str(ride[0]), *arguments])
    assert outcome.exit_code == 2
    assert arguments[0] in outcome.output


def test_a_file_that_is_no_recording_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(PacelineError, match="none of FIT"):
        CliRunner().invoke(build(), ["analyze", str(path)], catch_exceptions=False)
    with pytest.raises(PacelineError, match="No such file"):
        CliRunner().invoke(build(), ["analyze", str(tmp_path / "missing.fit")], catch_exceptions=False)
