"""Time, way, pace, height, and what in them cannot be true."""

from typing import Any

from analysis.metric import Metric, Missing, Subject, known
from analysis.metrics.heart_rate import heart_rate
from analysis.metrics.load import stress_per_hour
from analysis.metrics.power import best_20min
from pipelines.steps.anomalies import anomalies
from pipelines.steps.columns import Array
from pipelines.steps.elevation import elevation_gain_m, elevation_loss_m
from pipelines.steps.moving import pace_s_per_km

NO_WAY = "the recording holds neither distance nor positions nor speed"
NO_SPEED = "speed is known for less than half of the recorded time"


def timer_s(subject: Subject) -> float:
    """Time that the timer ran, s, or Missing."""
    if subject.activity.timer_s <= 0:
        raise Missing("no two records lie within 10 s of each other")
    return subject.activity.timer_s


def moving_s(subject: Subject) -> float:
    """Time under way, s."""
    known(subject.activity.way_m, NO_WAY)
    return known(subject.activity.moving_s, NO_SPEED)


def distance_m(subject: Subject) -> float:
    """The whole way, m."""
    return float(known(subject.activity.way_m, NO_WAY)[-1])


def _pace(subject: Subject, seconds: float) -> float:
    way = distance_m(subject)
    return known(pace_s_per_km(seconds, way), "no way was covered")


def _altitude(subject: Subject) -> Array:
    heights = subject.activity.every("altitude_m")
    if len(heights) < 2:
        raise Missing("the recording holds no altitude")
    return heights


def _device_calories(subject: Subject) -> float:
    found = [s.calories_kcal for s in subject.recording.sessions if s.calories_kcal is not None]
    if not found:
        raise Missing("the device told none")
    return sum(found)


def _flag(subject: Subject) -> str:
    """What is abnormal; Missing when nothing is."""

    def optional(find: Any) -> Any:
        try:
            return find(subject)
        except Missing:
            return None

    own = optional(lambda subject: distance_m(subject) / timer_s(subject))
    told = tuple(session.speed_avg_mps for session in subject.recording.sessions)
    found = list(
        anomalies(
            subject.activity.family,
            speeds_mps=(own, *told),
            heart_rate_avg_bpm=optional(lambda subject: heart_rate(subject).values.mean()),
            max_bpm=subject.athlete.max_bpm,
            best_20min_watts=optional(best_20min),
            stress_per_hour=optional(stress_per_hour) or (),
        )
    )
    if not found:
        raise Missing("nothing abnormal was found")
    return "; ".join(found)


METRICS = (
    Metric("elapsed_time_s", "s", "from the first record to the last", lambda s: s.activity.elapsed_s),
    Metric(
        "timer_time_s",
        "s",
        "time that the device's timer ran; untold: intervals between records, without gaps over 10 s in which nobody moved",
        timer_s,
    ),
    Metric(
        "moving_time_s",
        "s",
        "intervals faster than standing in this sport (Elevate's thresholds), pauses left out",
        moving_s,
    ),
    Metric("distance_m", "m", "by the device's own total, else positions, else speed", distance_m),
    Metric("pace_avg_s_per_km", "s/km", "timer's time ÷ distance, as devices do", lambda s: _pace(s, timer_s(s))),
    Metric("pace_moving_s_per_km", "s/km", "moving time ÷ distance", lambda s: _pace(s, moving_s(s))),
    Metric(
        "elevation_gain_m",
        "m",
        "rises of at least 2 m on smoothed altitude (Elevate)",
        lambda s: elevation_gain_m(_altitude(s)),
    ),
    Metric("elevation_loss_m", "m", "falls of at least 2 m on smoothed altitude", lambda s: elevation_loss_m(_altitude(s))),
    Metric("device_calories", "kcal", "as the device told it, all its sessions", _device_calories),
    Metric("flag", "", "what cannot be true: average speed, average heart rate, power or stress beyond people's", _flag),
)
