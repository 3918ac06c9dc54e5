"""Training load from heart rate, and energy."""

from analysis.metric import Metric, Missing, Subject, known
from analysis.metrics.heart_rate import NO_HEART_RATE, NO_MAXIMUM, counted_heart_rate, heart_rate, maximum_and_resting
from pipelines.steps.effort import hard_minutes, splat_points
from pipelines.steps.heart_rate_stress import heart_rate_stress_score
from pipelines.steps.trimp import banister, edwards

NO_ZONES = "needs five --hr-zones, or --max-hr, or --age"


def _minutes(subject: Subject) -> float:
    """Minutes with heart rate, pauses left out."""
    return float(counted_heart_rate(subject)[0].sum()) / 60


def trimp_of_mean(subject: Subject) -> float:
    """Banister's TRIMP as published: one mean heart rate over the whole time."""
    maximum, resting = maximum_and_resting(subject)
    mean = heart_rate(subject).values.mean()
    return banister(_minutes(subject), mean, maximum, resting, subject.athlete.sex)


def trimp_by_second(subject: Subject) -> float:
    """Banister's TRIMP summed second by second: the class's."""
    maximum_and_resting(subject)
    counted_heart_rate(subject)
    return known(subject.totals.trimp, NO_HEART_RATE)


def _stress(subject: Subject, trimp: float) -> float:
    maximum, resting = maximum_and_resting(subject)
    return heart_rate_stress_score(trimp, maximum, resting, subject.athlete.sex, subject.athlete.threshold_bpm)


def stress_per_hour(subject: Subject) -> tuple[float, ...]:
    """Heart-rate stress score an hour."""
    return (_stress(subject, trimp_of_mean(subject)) / max(_minutes(subject), 1.0) * 60,)


def class_zone_seconds(subject: Subject) -> tuple[float, ...]:
    """Seconds in zones 0 to 5 as a class counts them, or Missing."""
    heart_rate(subject)
    if not subject.athlete.class_floors_bpm:
        raise Missing(NO_ZONES)
    return subject.totals.zone_s


def _intensity(subject: Subject) -> float:
    heart_rate(subject)
    known(subject.athlete.maximum_bpm, NO_MAXIMUM)
    return known(subject.totals.intensity, NO_HEART_RATE)


def _effort(subject: Subject) -> float:
    class_zone_seconds(subject)
    return subject.totals.effort_points


def _splat(subject: Subject) -> float:
    series = heart_rate(subject)
    return splat_points(series.at, series.values, known(subject.athlete.maximum_bpm, NO_MAXIMUM))


def _energy(subject: Subject) -> float:
    return known(subject.totals.energy_kcal, "needs power, or heart rate with --age and --mass")


def _edwards(subject: Subject) -> float:
    heart_rate(subject)
    known(subject.athlete.maximum_bpm, NO_MAXIMUM)
    return edwards(class_zone_seconds(subject))


METRICS = (
    Metric(
        "trimp_banister_exponential",
        "",
        "Banister 1991 as published: minutes with heart rate × impulse of their mean",
        trimp_of_mean,
    ),
    Metric(
        "trimp_banister",
        "",
        "Banister's impulse summed second by second, as in a class; higher when heart rate varies",
        trimp_by_second,
    ),
    Metric("trimp_edwards", "", "zone number × minutes over the five zones (Edwards 1993)", _edwards),
    Metric(
        "hrss",
        "",
        "trimp_banister_exponential ÷ that of an hour at threshold × 100; threshold 85 % of reserve unless given",
        lambda s: _stress(s, trimp_of_mean(s)),
    ),
    Metric("hrss_by_second", "", "the same from trimp_banister", lambda s: _stress(s, trimp_by_second(s))),
    Metric("intensity_score", "0-10", "10 × mean share of reserve (of maximum when resting is unknown)", _intensity),
    Metric("effort_points", "", "1/2/3/4/4 a minute in zones 1 to 5", _effort),
    Metric("splat_points", "", "minutes at or above 84 % of maximum", _splat),
    Metric("hard_minutes", "min", "minutes in zones 4 and 5", lambda s: float(hard_minutes(class_zone_seconds(s)))),
    Metric("energy_kcal", "kcal", "estimate: work ÷ 0.24, and Keytel 2005 for the seconds without power", _energy),
)
