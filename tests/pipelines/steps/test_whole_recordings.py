"""Steps over whole recordings, against values that follow from the definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.steps.anomalies import anomalies
from pipelines.steps.efficiency import aerobic_decoupling_percent
from pipelines.steps.elevation import elevation_gain_m, elevation_loss_m
from pipelines.steps.emotion import STATES, emotion
from pipelines.steps.fitness import form_over_days
from pipelines.steps.geodesy import steps_m
from pipelines.steps.heart_rate_recovery import greatest_fall_bpm
from pipelines.steps.heart_rate_stress import heart_rate_stress_score
from pipelines.steps.mean_maximal import best_mean_known, best_mean_output
from pipelines.steps.moving import moving_seconds, pace_s_per_km, speed_from_distance, travelled_m
from pipelines.steps.recorded_time import counted_seconds, held_grid, paused_seconds
from pipelines.steps.spectrum import spectrum
from pipelines.steps.sports import family_of
from pipelines.steps.stress import stress
from pipelines.steps.trimp import banister
from pipelines.steps.w_prime import balance_differential, balance_integral, recovery_tau_s

moments = st.integers(0, 300)
pauses = st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair))), max_size=6)


@given(st.lists(moments, unique=True, min_size=1).map(sorted), pauses)
def test_paused_time_is_what_a_count_of_seconds_says(at: list[int], stopped: list[tuple[int, int]]) -> None:
    still = {second for begin, end in stopped for second in range(begin, end)}
    wanted = [0, *(len(still & set(range(a, b))) for a, b in pairwise(at))]
    assert paused_seconds(at, stopped).tolist() == wanted


@given(st.lists(moments, unique=True, min_size=1).map(sorted), pauses)
def test_counted_time_is_never_more_than_passed(at: list[int], stopped: list[tuple[int, int]]) -> None:
    counted = counted_seconds(at, stopped)
    assert (counted >= 0).all()
    assert (counted <= 10).all()
    assert counted.sum() <= at[-1] - at[0]


def test_a_value_fills_the_seconds_before_it_but_no_gap() -> None:
    grid, known = held_grid([0, 3, 20], [5, 8, 2])
    assert grid[:4].tolist() == [5, 8, 8, 8]
    assert known[4:20].tolist() == [False] * 16
    assert grid[-1] == 2


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=200), st.integers(50, 400), st.integers(1000, 40_000))
def test_w_prime_balance_follows_its_definition(watts: list[int], critical: int, w_prime: int) -> None:
    tau = recovery_tau_s(watts, critical)
    spent = [max(power - critical, 0) for power in watts]
    last = len(watts) - 1
    wanted = w_prime - sum(joules * np.exp(-(last - at) / tau) for at, joules in enumerate(spent))
    assert balance_integral(watts, critical, w_prime)[-1] == pytest.approx(wanted)
    assert balance_differential(watts, critical, w_prime).max() <= w_prime


def test_w_prime_balance_of_a_day_is_finite() -> None:
    assert np.isfinite(balance_integral(np.full(90_000, 300.0), 250, 20_000)).all()


def test_best_means_need_recorded_seconds_and_pauses_do_no_work() -> None:
    seconds = [*range(100), *range(1000, 1005)]
    beats = [120.0] * 100 + [190.0] * 5
    assert best_mean_known(seconds, beats, 60) == 120
    assert best_mean_known(seconds, beats, 200) is None
    assert best_mean_output(seconds, beats, 10) == 120
    assert best_mean_output(seconds, beats, 200) == pytest.approx(60)
    assert best_mean_output(seconds, beats, 2000) is None


def test_climbs_count_and_noise_does_not() -> None:
    noise = np.tile([0.0, 0.8], 500)
    assert elevation_gain_m(100 + noise) == 0
    climb = np.concatenate(
        [np.full(20, 100.0), np.linspace(100, 200, 200), np.full(20, 200.0), np.linspace(200, 150, 100), np.full(20, 150)]
    )
    assert elevation_gain_m(climb) == pytest.approx(100, abs=2)
    assert elevation_loss_m(climb) == pytest.approx(50, abs=2)
    assert elevation_gain_m([5.0]) == 0


def test_a_running_total_that_starts_again_goes_on() -> None:
    assert travelled_m([100, 150, 149, 200, 0, 30])[-1] == 50 + 51 + 30
    assert travelled_m([]).tolist() == []


def test_speed_and_pace_from_the_way() -> None:
    speed = speed_from_distance(range(10), [3 * at for at in range(10)])
    assert np.isnan(speed[0])
    assert speed[1:] == pytest.approx(3)
    assert moving_seconds([1] * 10, speed, "running") == 9
    assert moving_seconds([1] * 4, [0.3, 0.5, 1.0, 1.2], "cycling") == 1
    assert pace_s_per_km(300, 1000) == 300
    assert pace_s_per_km(300, 0) is None


def test_a_degree_of_latitude_is_111_km() -> None:
    assert steps_m([0, 1], [0, 0])[1] == pytest.approx(111_195, rel=1e-4)
    assert steps_m([60, 60], [0, 1])[1] == pytest.approx(55_597, rel=1e-3)


@pytest.mark.parametrize(
    ("sport", "family"),
    [("cycling", "cycling"), ("Biking", "cycling"), ("VirtualRide", "cycling"), ("Running", "running"), ("9", "running"),
     ("swimming", "swimming"), ("training", "other"), ("unknown", "other")],
)  # fmt: skip
def test_sports_are_known_by_any_spelling(sport: str, family: str) -> None:
    assert family_of(sport) == family


def test_a_swing_of_the_intervals_shows_in_its_band() -> None:
    beats = np.cumsum(np.full(400, 0.9))
    slow = spectrum(900 + 40 * np.sin(2 * np.pi * 0.1 * beats))
    fast = spectrum(900 + 40 * np.sin(2 * np.pi * 0.25 * beats))
    assert slow is not None
    assert fast is not None
    assert slow.low_ms2 == pytest.approx(800, rel=0.1)
    assert slow.ratio is not None
    assert slow.ratio > 20
    assert fast.high_ms2 > 20 * fast.low_ms2
    assert spectrum([900] * 50) is None


def test_an_hour_at_threshold_is_a_hundred() -> None:
    assert heart_rate_stress_score(banister(60, 170, 190, 50, "male"), 190, 50, "male", 170) == pytest.approx(100)
    assert heart_rate_stress_score(banister(60, 169, 190, 50, None), 190, 50, None) == pytest.approx(100)


def test_decoupling_is_the_fall_of_output_a_beat() -> None:
    assert aerobic_decoupling_percent([200] * 2400, [140] * 1200 + [154] * 1200) == pytest.approx(9.09, abs=0.01)
    assert aerobic_decoupling_percent([200] * 100, [140] * 100) is None
    assert aerobic_decoupling_percent([0] * 2400, [140] * 2400) is None


def test_recovery_is_the_greatest_fall_in_a_minute() -> None:
    beats = [180] * 100 + [180 - at // 2 for at in range(100)]
    assert greatest_fall_bpm(range(200), beats) == 30
    assert greatest_fall_bpm(range(200), range(100, 300)) is None


def test_form_is_yesterdays_difference() -> None:
    form = form_over_days([100] * 400)
    assert form.fitness[-1] == pytest.approx(100, rel=1e-3)
    assert form.form[0] == 0
    assert form.form[1] == pytest.approx(form.fitness[0] - form.fatigue[0])
    assert form_over_days([]).form.tolist() == []


def test_stress_shares_the_points_of_missing_inputs_out() -> None:
    whole = stress(heart_rate_bpm=190, rmssd_ms=10, pupil_dilation_mm_s=2, breaths_a_minute=40)
    part = stress(heart_rate_bpm=125)
    assert whole is not None
    assert part is not None
    assert (whole.level, whole.interpretation, whole.missing) == (100, "Very Stressed", ())
    assert (part.level, part.interpretation) == (50, "Normal")
    assert part.missing == ("variability", "pupil_dilation_rate", "respiratory_rate")
    assert stress() is None


def test_every_state_is_recognised_by_its_own_signs() -> None:
    for state, signs in STATES.items():
        found = emotion(*signs)
        assert found is not None
        assert found.state == state
        assert found.confidence > 0.4
    assert emotion() is None
    unsure = emotion(pupil_mm=4.0)
    assert unsure is not None
    assert unsure.confidence < 0.3


def test_what_nobody_does_is_named() -> None:
    assert list(anomalies("cycling", speeds_mps=(8.0, None, 17.0))) == ["average speed abnormal"]
    assert list(anomalies("other", speeds_mps=(60.0,))) == []
    assert list(anomalies("running", heart_rate_avg_bpm=200, max_bpm=190, best_20min_watts=600, stress_per_hour=(300,))) == [
        "average heart rate abnormal",
        "best 20 minutes of power abnormal",
        "stress per hour abnormal",
    ]
