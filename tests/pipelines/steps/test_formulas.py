import numpy as np
import pytest

from pipelines.steps.effort import effort_points, hard_minutes, splat_points
from pipelines.steps.energy import kcal_from_work, kcal_per_minute
from pipelines.steps.fatigue import efficiency
from pipelines.steps.intensity import intensity_distribution, intensity_score
from pipelines.steps.max_heart_rate import estimated_max_bpm, raised_max_bpm, sustained_max_bpm
from pipelines.steps.plausibility import suspects
from pipelines.steps.power import normalized_power
from pipelines.steps.rolling import best_mean, rolling_mean
from pipelines.steps.time_in_zone import time_in_zones
from pipelines.steps.trimp import banister, banister_per_minute, edwards, lucia
from pipelines.steps.zones import (
    floors_by_maximum,
    floors_by_reserve,
    floors_by_threshold,
    pace_zone_of,
    power_floors,
    zone_of,
)


def test_zones_by_maximum_reserve_and_threshold() -> None:
    assert floors_by_maximum(190).tolist() == [95, 114, 133, 152, 171]
    assert floors_by_reserve(190, 60).tolist() == [125, 138, 151, 164, 177]
    assert floors_by_threshold(170).tolist() == pytest.approx([0, 144.5, 153, 161.5, 170])


def test_a_value_equal_to_a_bound_belongs_to_the_higher_zone() -> None:
    assert zone_of([94, 95, 113, 114, 170, 171, 240], [95, 114, 133, 152, 171]).tolist() == [0, 1, 1, 2, 4, 5, 5]


def test_own_bounds_may_be_any_number_of_zones() -> None:
    assert zone_of([99, 100, 150], [100, 150]).tolist() == [0, 1, 2]


def test_power_zones_by_threshold_power() -> None:
    floors = power_floors(200)
    assert floors.tolist() == pytest.approx([0, 110, 150, 180, 210, 240, 300])
    assert zone_of([0, 109, 110, 200, 300, 900], floors).tolist() == [1, 1, 2, 4, 7, 7]


def test_faster_is_a_higher_pace_zone() -> None:
    assert pace_zone_of([400, 387, 342, 318, 297, 291, 250], 300).tolist() == [1, 2, 3, 4, 5, 6, 6]


def test_an_interval_longer_than_ten_seconds_counts_in_no_zone() -> None:
    assert time_in_zones([0, 10, 21, 22], [100, 100, 100, 100], [90]).tolist() == [0, 11]


@pytest.mark.parametrize(
    ("bpm", "resting", "score"), [(125, 60, 5.0), (60, 60, 0.0), (50, 60, 0.0), (200, 60, 10.0), (95, 0, 5.0)]
)
def test_intensity_is_ten_times_the_share_of_reserve_or_of_maximum(bpm: int, resting: int, score: int) -> None:
    assert intensity_score(bpm, 190, resting) == pytest.approx(score)


def test_intensity_is_low_below_four_and_high_from_seven() -> None:
    assert intensity_distribution([0, 3.99, 4, 6.99, 7, 10, float("nan")]) == {"low": 2, "medium": 2, "high": 2}


def test_effort_by_three_schemes() -> None:
    zone_s = [600, 60, 60, 60, 60, 60]
    assert float(effort_points(zone_s)) == pytest.approx(1 + 2 + 3 + 4 + 4)
    assert float(hard_minutes(zone_s)) == pytest.approx(2)
    seconds, bpm = list(range(121)), [159] * 61 + [160] * 60
    assert splat_points(seconds, bpm, 190) == pytest.approx(1.0)


def test_banister_for_women_and_unknown_sex() -> None:
    men, women, unknown = (float(banister_per_minute(130, 190, 60, sex)) for sex in ("male", "female", None))
    x = 70 / 130
    assert men == pytest.approx(x * 0.64 * np.exp(1.92 * x))
    assert women == pytest.approx(x * 0.86 * np.exp(1.67 * x))
    assert unknown == pytest.approx((men + women) / 2)
    assert banister([10, 20], [130, 130], 190, 60, "male") == pytest.approx(30 * men)


def test_banister_stays_within_its_range() -> None:
    assert banister_per_minute([40, 60], 190, 60, "male").tolist() == [0, 0]
    assert float(banister_per_minute(220, 190, 60, "male")) == pytest.approx(0.64 * np.exp(1.92))


def test_edwards_and_lucia_weigh_minutes_by_zone() -> None:
    assert edwards([600, 60, 120, 180, 240, 300]) == pytest.approx(1 + 4 + 9 + 16 + 25)
    seconds = list(range(181))
    bpm = [120] * 61 + [150] * 60 + [170] * 60
    assert lucia(seconds, bpm, 140, 160) == pytest.approx(1 + 2 + 3)


def test_energy_of_keytel() -> None:
    assert float(kcal_per_minute(150, "male", 30, 75)) * 4.184 == pytest.approx(-55.0969 + 94.635 + 14.91 + 6.051)
    assert float(kcal_per_minute(150, "female", 30, 60)) * 4.184 == pytest.approx(-20.4022 + 67.08 - 7.578 + 2.22)
    fitted = float(kcal_per_minute(150, "male", 30, 75, vo2max_ml_kg_min=50)) * 4.184
    assert fitted == pytest.approx(-95.7735 + 95.1 + 20.2 + 29.55 + 8.13)
    both = (kcal_per_minute(150, "male", 30, 70) + kcal_per_minute(150, "female", 30, 70)) / 2
    assert float(kcal_per_minute(150, None, 30, 70)) == pytest.approx(float(both))
    assert float(kcal_per_minute(40, "male", 20, 50)) == 0


def test_energy_of_work_at_a_gross_efficiency_of_24_percent() -> None:
    assert float(kcal_from_work(1_000_000)) == pytest.approx(995.9, abs=0.1)


def test_maximum_heart_rate_is_measured_before_estimated() -> None:
    assert float(estimated_max_bpm(40)) == pytest.approx(180)
    held = [150] * 20 + [188] * 30 + [199] * 29 + [150]
    assert sustained_max_bpm(range(len(held)), held) == 188
    assert sustained_max_bpm(range(29), [190] * 29) is None
    assert raised_max_bpm(180, 188) == 188
    assert raised_max_bpm(180, 199) == 190
    assert raised_max_bpm(180, 150) == 180


def test_a_missing_second_breaks_a_sustained_maximum() -> None:
    seconds = [s for s in range(60) if s != 30]
    assert sustained_max_bpm(seconds, [180] * len(seconds)) == 180
    seconds = [s for s in range(50) if s != 25]
    assert sustained_max_bpm(seconds, [180] * len(seconds)) is None


def test_normalized_power_of_steady_power_is_that_power() -> None:
    assert normalized_power(range(600), [250] * 600) == pytest.approx(250)
    assert normalized_power(range(29), [250] * 29) is None
    assert normalized_power([], []) is None


def test_normalized_power_starts_again_after_a_gap() -> None:
    seconds = [*range(60), *range(80, 105)]
    assert normalized_power(seconds, [200] * 60 + [900] * 25) == pytest.approx(200)


def test_rolling_and_best_means_leave_missing_seconds_out() -> None:
    means = rolling_mean([0, 1, 3, 20], [10, 20, 30, 40], 3)
    assert means[:4].tolist() == pytest.approx([10, 15, 15, 25])
    assert np.isnan(means[10])
    assert means[20] == 40
    assert best_mean(range(100), range(100), 10) == pytest.approx(94.5)
    assert best_mean(range(5), range(5), 10) is None


def test_jumps_are_suspect_until_the_value_has_settled() -> None:
    bpm = [120] * 5 + [220, 220] + [121] * 10
    found = suspects(np.arange(len(bpm)), np.array(bpm))
    assert np.flatnonzero(found).tolist() == [5, 6, 7, 8, 9, 10, 11]


def test_a_change_of_thirty_or_after_a_pause_is_no_jump() -> None:
    assert not suspects(np.array([0, 1, 2]), np.array([100, 130, 100])).any()
    assert not suspects(np.array([0, 2]), np.array([100, 180])).any()


def test_a_strap_that_does_not_move_for_thirty_seconds_is_suspect() -> None:
    seconds, bpm = np.arange(40), np.array([140] * 35 + [141] * 5)
    assert np.flatnonzero(suspects(seconds, bpm)).tolist() == [30, 31, 32, 33, 34]
    assert not suspects(seconds, bpm, from_strap=False).any()


def test_fatigue_compares_output_per_heartbeat_with_minutes_five_to_fifteen() -> None:
    minutes = dict.fromkeys(range(5, 15), (140.0, 200.0))
    late = minutes | dict.fromkeys(range(20, 25), (165.0, 195.0))
    found = efficiency(late, 24)
    assert found is not None
    assert found.comparable
    assert found.drop == pytest.approx(1 - (195 / 165) / (200 / 140))
    easy = efficiency(minutes | dict.fromkeys(range(20, 25), (120.0, 100.0)), 24)
    assert easy is not None
    assert not easy.comparable
    assert efficiency(minutes | dict.fromkeys(range(20, 24), (165.0, 195.0)), 23) is None
    assert efficiency(dict.fromkeys(range(11, 25), (140.0, 200.0)), 24) is None
