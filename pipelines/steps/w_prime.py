"""W′ balance: what is left of the work that can be done above critical power."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

_TAU_RANGE_S, _TAU_FALL, _TAU_LEAST_S = 546.0, 0.01, 316.0
BLOCK_S: Final = 4096
"""Rows of the sum that are done at once: bounds the exponent, so that a day's ride cannot overflow."""


def recovery_tau_s(watts: ArrayLike, critical_power_watts: float) -> float:
    """Time constant of recovery: 546·e^(−0.01·D) + 316 s (Skiba 2012).

    D is critical power less the mean of the powers below it.
    """
    power = np.asarray(watts, dtype=float)
    below = power[power < critical_power_watts]
    difference = critical_power_watts - (below.mean() if len(below) else 0.0)
    return float(_TAU_RANGE_S * np.exp(-_TAU_FALL * difference) + _TAU_LEAST_S)


def balance_integral(watts: ArrayLike, critical_power_watts: float, w_prime_joules: float) -> Array:
    """W′ balance (J) second by second: W′ less the work above critical power, each joule fading with e^(−t/τ) (Skiba 2012).

    One power a second; seconds without a value are 0 W. τ from the mean power below critical power of the whole series.
    """
    over = np.maximum(np.asarray(watts, dtype=float) - critical_power_watts, 0.0)
    tau = recovery_tau_s(watts, critical_power_watts)
    spent = np.empty(len(over))
    carried = 0.0
    step = int(min(BLOCK_S, max(1, 50 * tau)))
    for begin in range(0, len(over), step):
        part = over[begin : begin + step]
        fade = np.exp(np.arange(1, len(part) + 1) / tau)
        spent[begin : begin + step] = (carried + np.cumsum(part * fade)) / fade
        carried = float(spent[begin + len(part) - 1])
    return w_prime_joules - spent


def balance_differential(watts: ArrayLike, critical_power_watts: float, w_prime_joules: float) -> Array:
    """W′ balance (J) by dW/dt = CP − P above critical power, (CP − P)·(W′ − W)/W′ below it.

    The differential form of Froncioni, Skiba and Clarke (Skiba 2015). One power a second; seconds without a value are 0 W.
    It may fall below 0: then CP or W′ is set too low.
    """
    left, balance = w_prime_joules, []
    for difference in (critical_power_watts - np.asarray(watts, dtype=float)).tolist():
        left += difference * (w_prime_joules - left) / w_prime_joules if difference > 0 else difference
        balance.append(left)
    return np.array(balance)
