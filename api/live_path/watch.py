"""Whether the way from a strap to a screen is open, judged by what comes back of the synthetic member's rounds. Pure.

All times are seconds of a clock that only goes forward.
"""

import statistics
from collections import deque
from dataclasses import dataclass
from typing import Literal

from schemas.synthetic import SYNTHETIC_SESSIONS, round_of

State = Literal["off", "starting", "ok", "slow", "missing"]
SLOW_S = 2.0
MISSING_AFTER_S = 30.0
REMEMBERED = 30
"""Rounds of which the median is taken: five minutes."""
NOTHING_WRONG = ("", "")
DOCTOR = "`paceline doctor` says what stands still or is behind."


@dataclass(frozen=True)
class LivePath:
    """How the live path stands. `last_ms` is the newest round's time, by its slowest partition."""

    state: State
    last_ms: int | None = None
    median_ms: int | None = None
    back_s_ago: float | None = None
    """Since a whole round has come back."""
    problem: str = ""
    remedy: str = ""


@dataclass
class _Round:
    sent_s: float
    waits_for: set[int]
    fault: tuple[str, str] = NOTHING_WRONG


class Watch:
    """Counts rounds out and in. A round is back when its value has come back by way of every partition."""

    def __init__(self, sender: str, every_s: float, now_s: float) -> None:
        self.every_s = every_s
        self._sender = sender
        self._begun_s = now_s
        self._number = 0
        self._under_way: dict[int, _Round] = {}
        self._back_s: float | None = None
        self._times_s: deque[float] = deque(maxlen=REMEMBERED)

    def send(self, now_s: float) -> int:
        """A round begins; its number."""
        self._number += 1
        self._under_way[self._number] = _Round(now_s, set(range(len(SYNTHETIC_SESSIONS))))
        for old in [number for number in self._under_way if number <= self._number - REMEMBERED]:
            del self._under_way[old]
        return self._number

    def refused(self, number: int, problem: str, remedy: str) -> None:
        """The round has not got through the door."""
        if number in self._under_way:
            self._under_way[number].fault = (problem, remedy)

    def came(self, event_id: str, now_s: float) -> float | None:
        """A value came back; when its round is whole by it, how long that took. Values of other senders are none of ours."""
        place = round_of(event_id, self._sender)
        found = self._under_way.get(place[0]) if place else None
        if place is None or found is None:
            return None
        found.waits_for.discard(place[1])
        if found.waits_for:
            return None
        for number in [number for number in self._under_way if number <= place[0]]:
            del self._under_way[number]  # of an older one something was lost with a process that died
        self._back_s = now_s
        self._times_s.append(now_s - found.sent_s)
        return now_s - found.sent_s

    def standing(self, now_s: float) -> LivePath:
        """How the path stands now."""
        if not self.every_s:
            return LivePath("off")
        last_s = self._times_s[-1] if self._times_s else None
        middle_s = statistics.median(self._times_s) if self._times_s else None
        since_s = now_s - (self._begun_s if self._back_s is None else self._back_s)
        state, (problem, remedy) = self._judge(now_s, since_s, last_s)
        ago_s = None if self._back_s is None else round(since_s, 1)
        return LivePath(state, _ms(last_s), _ms(middle_s), ago_s, problem, remedy)

    def _judge(self, now_s: float, since_s: float, last_s: float | None) -> tuple[State, tuple[str, str]]:
        if since_s > max(MISSING_AFTER_S, 3 * self.every_s):
            return "missing", self._why_missing(since_s)
        waited_s = max((now_s - one.sent_s for one in self._under_way.values()), default=0.0)
        if last_s is None:
            return "starting", NOTHING_WRONG
        slow_s = max(last_s, waited_s)
        if slow_s > SLOW_S:
            return "slow", (f"A value needs {slow_s:.1f} s from the gateway to this API", DOCTOR)
        return "ok", NOTHING_WRONG

    def _why_missing(self, since_s: float) -> tuple[str, str]:
        newest = max(self._under_way, default=None)
        oldest = min(self._under_way, default=None)
        if newest is None or oldest is None:
            return f"For {since_s:.0f} s no synthetic value was sent", "Its log says why; Kafka may be away: `paceline doctor`."
        if (fault := self._under_way[newest].fault) != NOTHING_WRONG:
            return fault
        lost = self._under_way[oldest].waits_for
        by_way = "" if len(lost) == len(SYNTHETIC_SESSIONS) else f" by way of partition {', '.join(map(str, sorted(lost)))}"
        return (
            f"For {since_s:.0f} s no synthetic value has come back{by_way}",
            f"A flow live has stopped or is far behind: {DOCTOR}",
        )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000)
