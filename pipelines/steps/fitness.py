"""Fitness, fatigue and form over days of training load."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

FITNESS_DAYS: Final = 42
FATIGUE_DAYS: Final = 7


@dataclass(frozen=True)
class Form:
    """Day by day: chronic load (fitness), acute load (fatigue), and the form with which the day began."""

    fitness: Array
    fatigue: Array
    form: Array
    """Yesterday's fitness less yesterday's fatigue."""


def form_over_days(daily_load: ArrayLike, initial_fitness: float = 0.0, initial_fatigue: float = 0.0) -> Form:
    """Exponential means of the daily load, x += (load − x)·(1 − e^(−1/N)), N = 42 and 7 days (Banister; Coggan).

    One load a day, rest days included as 0.
    """
    load = np.asarray(daily_load, dtype=float)
    fitness = _exponential_mean(load, FITNESS_DAYS, initial_fitness)
    fatigue = _exponential_mean(load, FATIGUE_DAYS, initial_fatigue)
    before = np.concatenate([[initial_fitness - initial_fatigue], (fitness - fatigue)[:-1]])
    return Form(fitness, fatigue, before[: len(load)])


def _exponential_mean(load: Array, days: int, initial: float) -> Array:
    share = -np.expm1(-1.0 / days)
    means, mean = np.empty(len(load)), initial
    for day, today in enumerate(load.tolist()):
        mean += (today - mean) * share
        means[day] = mean
    return means
