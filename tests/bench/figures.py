"""What a benchmark yields: figures with goals, and the processor time that stands beside them."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

Better = Literal["higher", "lower"]
CPUCLOCK_SCHED = 2
Result = TypeVar("Result")


@dataclass(frozen=True)
class Usage:
    """What processes took from the machine: seconds on a processor, and seconds ready to run while none was free."""

    cpu_s: float = 0.0
    wait_s: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_s + other.cpu_s, self.wait_s + other.wait_s)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_s - other.cpu_s, self.wait_s - other.wait_s)


@dataclass(frozen=True)
class Figure:
    """One measured value. Without a goal it is there to be known, and nobody can say whether it is met.

    `runs` are the values of the single runs whose median `value` is; `usage` belongs to the run that `value` is of.
    """

    name: str
    value: float
    unit: str
    goal: float | None
    better: Better
    runs: tuple[float, ...] = ()
    usage: Usage | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    def shown(self) -> dict[str, Any]:
        """As it stands in the JSON file."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal,
            "better": self.better,
            "met": self.met,
            "runs": list(self.runs),
            "cpu_s": self.usage.cpu_s if self.usage else None,
            "wait_s": self.usage.wait_s if self.usage else None,
            "note": self.note,
        }


@dataclass(frozen=True)
class Run:
    """One of several runs of the same measurement."""

    value: float
    usage: Usage = Usage()


def median_figure(
    name: str, unit: str, goal: float | None, better: Better, runs: Iterable[Run | float], note: str = ""
) -> Figure:
    """The run in the middle (the lower of the two middles): a value that was measured, with the processor time of that run."""
    known = [run if isinstance(run, Run) else Run(run) for run in runs]
    middle = sorted(known, key=lambda run: run.value)[(len(known) - 1) // 2]
    usage = middle.usage if middle.usage != Usage() else None
    return Figure(name, middle.value, unit, goal, better, tuple(run.value for run in known), usage, note)


def median_of(runs: int, measure: Callable[[], float]) -> float:
    """The median of so many measurements."""
    return statistics.median(measure() for _ in range(runs))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of all do not exceed (nearest rank), so a value that occurred."""
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked) - 1e-9) - 1, 0)]


def usage_of(*pids: int) -> Usage:
    """What these processes have taken so far, all their threads together.

    Of threads that have ended, the processor time is in it, the waiting is not. A process that is gone counts nothing.
    """
    total = Usage()
    for pid in pids:
        total += Usage(_cpu_s(pid), _wait_s(pid))
    return total


def _cpu_s(pid: int) -> float:
    """The process's own clock, to the nanosecond: clock_getcpuclockid(3) makes its id of the process's in this way."""
    try:
        return time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def _wait_s(pid: int) -> float:
    """The second number of each thread's schedstat: nanoseconds on a run queue."""
    waited_ns = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            waited_ns += int(thread.read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return waited_ns / 1e9
