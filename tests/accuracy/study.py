"""The whole study: every rule provoked, counted and shown as a table."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

from schemas.alerts import AlertRule
from tests.accuracy.play import play
from tests.accuracy.silent_straps import receiver_fails, straps_fall_silent
from tests.accuracy.single_rules import SECONDS, THEMES, provoked_class
from tests.accuracy.tiring import some_tire
from tests.accuracy.truth import Script, Tally, account, overall
from tests.accuracy.whole_classes import class_out_of_range, few_come

SEED = 20
PROVOKED = 14
"""Members of each class that is about one rule."""
PROMISED = 0.95


@cache
def tallies(seed: int = SEED, size: float = 1.0) -> dict[AlertRule, Tally]:
    """Every rule's account; the same seed gives the same classes."""
    scripts = list(_scripts(seed, size))
    return account(scripts, play(scripts, SECONDS))


def _scripts(seed: int, size: float) -> Iterator[Script]:
    def many(count: int) -> int:
        return max(2, round(count * size))

    makers: list[Callable[..., Script]] = [partial(provoked_class, theme=theme, members=many(PROVOKED)) for theme in THEMES]
    makers += [partial(straps_fall_silent, members=many(PROVOKED)), partial(some_tire, members=many(36))]
    makers += [partial(receiver_fails, members=4)] * many(4)
    makers += [partial(class_out_of_range, members=4)] * many(22)
    makers += [few_come] * many(24)
    for number, make in enumerate(makers, 1):
        yield make(number, rng=np.random.default_rng([seed, number]))


def falls_short(tallies: dict[AlertRule, Tally]) -> list[str]:
    """Rules, and all together, whose precision or recall is below the promise."""
    accounts: list[tuple[str, Tally]] = [*tallies.items(), ("all", overall(tallies))]
    return [
        f"{name}: precision {tally.precision:.3f}, recall {tally.recall:.3f}, promised {PROMISED}"
        for name, tally in accounts
        if min(tally.precision, tally.recall) < PROMISED
    ]
