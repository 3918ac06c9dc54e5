"""Power: means, normalized power and what rests on it, best efforts, W′ balance, efficiency."""

import numpy as np

from analysis.activity import Series
from analysis.metric import Metric, Missing, Subject, known
from analysis.metrics.heart_rate import heart_rate
from pipelines.steps.columns import Array
from pipelines.steps.efficiency import aerobic_decoupling_percent, efficiency_factor
from pipelines.steps.mean_maximal import CURVE_S, best_mean_output
from pipelines.steps.power import intensity_factor, training_stress_score
from pipelines.steps.recorded_time import counted_seconds, held_grid
from pipelines.steps.w_prime import balance_differential, balance_integral, recovery_tau_s
from pipelines.steps.zones import power_floors, zone_of

NO_POWER = "the recording holds no power"
NO_FTP = "needs --ftp"
INTEGRAL, DIFFERENTIAL = "integral (Skiba 2012)", "differential"


def power(subject: Subject) -> Series:
    """One value a second, or Missing."""
    series = subject.activity.power
    if not len(series):
        raise Missing(NO_POWER)
    return series


def counted_power(subject: Subject) -> tuple[Array, Array]:
    """The time (s) that each second's power stands for, and the powers."""
    series = power(subject)
    return counted_seconds(series.at, subject.activity.pauses), series.values


def normalized(subject: Subject) -> float:
    """The class's own normalized power."""
    power(subject)
    return known(subject.totals.normalized_power_watts, "no 30 s of power without a gap")


def _average(subject: Subject) -> float:
    power(subject)
    return known(subject.totals.power_avg_watts, NO_POWER)


def _over_records(subject: Subject) -> float:
    power(subject)
    return float(subject.activity.every("power_watts").mean())


def _highest(subject: Subject) -> int:
    power(subject)
    return int(subject.activity.every("power_watts").max())


def _factor(subject: Subject) -> float:
    return intensity_factor(normalized(subject), known(subject.athlete.ftp_watts, NO_FTP))


def _stress(subject: Subject) -> float:
    duration_s = float(counted_power(subject)[0].sum())
    return training_stress_score(normalized(subject), known(subject.athlete.ftp_watts, NO_FTP), duration_s)


def best_20min(subject: Subject) -> float:
    """The best twenty minutes, W."""
    series = power(subject)
    return known(best_mean_output(series.at, series.values, 1200), "power lasted less than 20 minutes")


def _curve(subject: Subject) -> dict[str, float]:
    series = power(subject)
    found = {f"{width} s": best_mean_output(series.at, series.values, width) for width in CURVE_S}
    return {width: best for width, best in found.items() if best is not None}


def _work_kj(subject: Subject) -> float:
    lengths, watts = counted_power(subject)
    return float(lengths @ watts) / 1000


def _zones(subject: Subject) -> list[float]:
    lengths, watts = counted_power(subject)
    floors = power_floors(known(subject.athlete.ftp_watts, NO_FTP))
    seconds: list[float] = np.bincount(zone_of(watts, floors), weights=lengths, minlength=len(floors) + 1)[1:].tolist()
    return seconds


def every_second(subject: Subject) -> Array:
    """Power at every second from the first to the last; what was not recorded is 0 W."""
    series = power(subject)
    return held_grid(series.at, series.values)[0]


def _critical_power(subject: Subject) -> float:
    return known(subject.athlete.critical_power_watts, "needs --cp and --w-prime")


def balances(subject: Subject) -> dict[str, Array]:
    """W′ balance at every second, by both forms."""
    watts, critical = every_second(subject), _critical_power(subject)
    w_prime = known(subject.athlete.w_prime_joules, "needs --cp and --w-prime")
    return {
        INTEGRAL: balance_integral(watts, critical, w_prime),
        DIFFERENTIAL: balance_differential(watts, critical, w_prime),
    }


def _lowest(subject: Subject) -> dict[str, float]:
    return {form: float(balance.min()) for form, balance in balances(subject).items()}


def _last(subject: Subject) -> dict[str, float]:
    return {form: float(balance[-1]) for form, balance in balances(subject).items()}


def _output(subject: Subject) -> Series:
    """What the body put out: power, else a runner's speed in metres a minute (hills and wind make a rider's meaningless)."""
    if len(subject.activity.power):
        return subject.activity.power
    speed = subject.activity.series("speed_mps")
    if subject.activity.family != "running" or not len(speed):
        raise Missing("needs power, or a run with speed")
    return Series(speed.at, speed.values * 60)


def _efficiency(subject: Subject) -> float:
    output, beats = _output(subject), heart_rate(subject)
    mean = normalized(subject) if len(subject.activity.power) else output.values.mean()
    return efficiency_factor(mean, beats.values.mean())


def _decoupling(subject: Subject) -> float:
    output, beats = _output(subject), heart_rate(subject)
    _seconds, at, of = np.intersect1d(output.at, beats.at, assume_unique=True, return_indices=True)
    found = aerobic_decoupling_percent(output.values[at], beats.values[of])
    return known(found, "less than 20 minutes have both output and heart rate")


METRICS = (
    Metric("avg_power_over_records", "W", "arithmetic mean of all records that have one, zeros included", _over_records),
    Metric("power_avg", "W", "mean over the seconds that have one, as in a class", _average),
    Metric("power_max", "W", "highest of any record", _highest),
    Metric("normalized_power", "W", "fourth-power mean of the 30 s rolling mean (Allen & Coggan)", normalized),
    Metric(
        "variability_index",
        "",
        "normalized_power ÷ power_avg",
        lambda s: normalized(s) / known(_average(s) or None, "power was 0"),
    ),
    Metric("intensity_factor", "", "normalized_power ÷ FTP", _factor),
    Metric("training_stress_score", "", "hours × intensity_factor² × 100 over the time that has power", _stress),
    Metric("work_kj", "kJ", "sum of power × time", _work_kj),
    Metric("power_best_20min", "W", "highest mean over 20 minutes; what was not recorded is 0 W", best_20min),
    Metric("mean_maximal_power", "W", "highest mean over each duration", _curve),
    Metric("time_in_power_zone", "s", "time in zones 1 to 7 by share of FTP (Coggan)", _zones),
    Metric(
        "w_prime_tau",
        "s",
        "time constant of recovery (Skiba 2012)",
        lambda s: recovery_tau_s(every_second(s), _critical_power(s)),
    ),
    Metric("w_prime_balance_min", "J", "lowest W′ balance (Skiba 2012; Froncioni, Skiba, Clarke), missing power 0 W", _lowest),
    Metric("w_prime_balance", "J", "W′ balance at the end", _last),
    Metric("efficiency_factor", "W or m/min per bpm", "normalized power, else speed, ÷ mean heart rate (Friel)", _efficiency),
    Metric("aerobic_decoupling", "%", "fall of output ÷ heart rate from the first half to the second (Friel)", _decoupling),
)
