"""What is known of a class before any alert rule has seen it: excursions, and what looks like one and is none.

An excursion is labelled by whoever makes the signal: it knows how high the true value was and for how long. Nothing here asks
the rules' code; documented bounds and durations (docs/alerts.md) are written down again in `PROMISES`.

Matching, fixed before the first run: an alert belongs to an excursion of the same class, member and rule when it is told
within [start + minimum − `EARLY_S`, end + tolerance]. One excursion has one alert: a second one is false. Repetitions,
acknowledgements and endings of an alert are no new alerts. Excursions nearer to their bound than the noise, or hardly longer
than the minimum, are not made: whoever called them right or wrong would be guessing. What stays within the bound by more than
the noise, or leaves it for at most six tenths of the minimum, is harmless: whatever is told of it is false.
"""

from dataclasses import dataclass, field
from typing import Final

from schemas.alerts import AlertRule
from schemas.directory import SessionRecord
from schemas.events import Reading

EARLY_S: Final = 5
"""Noise may carry a value over its bound so much sooner than the truth."""


@dataclass(frozen=True)
class Promise:
    """What docs/alerts.md promises: after how many seconds a rule tells, and how long after the end it may still do so."""

    minimum_s: int
    tolerance_s: int = 15


PROMISES: Final[dict[AlertRule, Promise]] = {
    "heart_rate_high": Promise(10),
    "heart_rate_low": Promise(15),
    "heart_rate_above_zone": Promise(30),
    "heart_rate_below_zone": Promise(60),
    "pace_off_target": Promise(30),
    "power_above_zone": Promise(30),
    "power_below_zone": Promise(30),
    "fatigue": Promise(60, 240),
    "lost_signal": Promise(20, 5),
    "class_intensity_low": Promise(90, 60),
    "class_intensity_high": Promise(90, 60),
    "low_attendance": Promise(0, 15),
}
"""Minutes close a minute after their end, so fatigue is told later; class means wait for slow senders."""


@dataclass(frozen=True)
class Excursion:
    """Something a trainer should be told: seconds from the class's start, both included. Member 0 is the class."""

    session_id: str
    member_id: int
    rule: AlertRule
    start_s: int
    end_s: int

    def covers(self, told: "Told") -> bool:
        """Whether that alert is about this."""
        promise = PROMISES[self.rule]
        about = (told.session_id, told.member_id, told.rule) == (self.session_id, self.member_id, self.rule)
        return about and self.start_s + promise.minimum_s - EARLY_S <= told.at_s <= self.end_s + promise.tolerance_s


@dataclass(frozen=True)
class Told:
    """An alert as the trainer saw it appear."""

    session_id: str
    member_id: int
    rule: AlertRule
    at_s: int


@dataclass
class Script:
    """One class: who takes part, every reading with the moment of its arrival, and what should be told."""

    record: SessionRecord
    arrivals: list[tuple[int, Reading]] = field(default_factory=list)
    """Milliseconds from the start, in any order."""
    excursions: list[Excursion] = field(default_factory=list)
    harmless: dict[AlertRule, int] = field(default_factory=dict)
    """Per rule, how many things were made that look like an excursion and are none."""


@dataclass
class Tally:
    """One rule's account."""

    excursions: int = 0
    harmless: int = 0
    right: int = 0
    false: int = 0
    delays_s: list[int] = field(default_factory=list)
    """From the start of each excursion that was told to its alert."""

    @property
    def missed(self) -> int:
        return self.excursions - self.right

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.excursions if self.excursions else 1.0


def account(scripts: list[Script], told: list[Told]) -> dict[AlertRule, Tally]:
    """Every excursion with at most one alert, every alert with at most one excursion: the earliest first."""
    tallies = {rule: Tally() for rule in PROMISES}
    waiting: dict[tuple[str, int, AlertRule], list[Told]] = {}
    for alert in sorted(told, key=lambda alert: alert.at_s):
        waiting.setdefault((alert.session_id, alert.member_id, alert.rule), []).append(alert)
    for script in scripts:
        for rule, count in script.harmless.items():
            tallies[rule].harmless += count
        for excursion in script.excursions:
            _match(tallies[excursion.rule], excursion, waiting)
    for (_, _, rule), left in waiting.items():
        tallies[rule].false += len(left)
    return tallies


def overall(tallies: dict[AlertRule, Tally]) -> Tally:
    """All rules as one."""
    parts = list(tallies.values())
    total = Tally(*(sum(getattr(part, name) for part in parts) for name in ("excursions", "harmless", "right", "false")))
    total.delays_s = [delay for part in parts for delay in part.delays_s]
    return total


def _match(tally: Tally, excursion: Excursion, waiting: dict[tuple[str, int, AlertRule], list[Told]]) -> None:
    tally.excursions += 1
    candidates = waiting.get((excursion.session_id, excursion.member_id, excursion.rule), [])
    found = next((alert for alert in candidates if excursion.covers(alert)), None)
    if found is not None:
        candidates.remove(found)
        tally.right += 1
        tally.delays_s.append(found.at_s - excursion.start_s)
