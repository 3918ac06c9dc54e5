"""Readings as columns: the one place where events are touched one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import CADENCE, HEART_RATE, POWER, SPEED
from pipelines.steps.ring import cells_of
from pipelines.steps.totals import STRAP_BIT
from schemas.events import Reading

STRAP_SOURCE: Final = "heart_rate_monitor"
CADENCE_STEPS: Final = 256
"""Cadence is kept in 1/256 rpm, speed in mm/s (as FIT does): finer than any sensor, and whole numbers add up exactly."""
SPEED_STEPS: Final = 1000
_NOBODY: Final[dict[int, int]] = {}


@dataclass(frozen=True)
class Intervals:
    """RR intervals of a batch's events, flat: the event's position, the place within the event, the interval."""

    event: Array
    place: Array
    rr_ms: Array

    def part(self, chosen: Array, size: int) -> "Intervals | None":
        """The intervals of the chosen among `size` events, as these are numbered then."""
        position = np.full(size, -1, dtype=np.int64)
        position[chosen] = np.arange(len(chosen))
        kept = position[self.event] >= 0
        return Intervals(position[self.event[kept]], self.place[kept], self.rr_ms[kept]) if kept.any() else None


@dataclass(frozen=True)
class Batch:
    """Equally long columns. A metric's cell is 0 where the event does not carry it, a distance -1."""

    rows: Array
    at_ms: Array
    received_ms: Array
    cells: dict[int, Array]
    distance_cm: Array
    intervals: Intervals | None

    def part(self, chosen: Array) -> "Batch":
        """The events at these positions."""
        return Batch(
            self.rows[chosen],
            self.at_ms[chosen],
            self.received_ms[chosen],
            {metric: values[chosen] for metric, values in self.cells.items()},
            self.distance_cm[chosen],
            self.intervals.part(chosen, len(self.rows)) if self.intervals else None,
        )


def rows_of(readings: Sequence[Reading], index: Mapping[str, Mapping[int, int]]) -> Array:
    """The row of each reading's member in its session; -1 where the session or the member is unknown."""
    return np.array([index.get(r.session_id, _NOBODY).get(r.member_id, -1) for r in readings], dtype=np.int64)


def batch_of(readings: Sequence[Reading], rows: Array) -> Batch:
    """Columns of readings whose rows are known. Values are within their ranges: the decoder saw to that."""
    at_ms = np.array([r.event_time_ms for r in readings], dtype=np.int64)
    received_ms = np.array([r.received_time_ms for r in readings], dtype=np.int64)
    milliseconds = at_ms % 1000
    values = _values(readings)
    empty = np.uint32(0)
    cells = {m: np.where(held >= 0, cells_of(milliseconds, np.maximum(held, 0)), empty) for m, held in values.items()}
    distance_cm = np.array([-1 if r.distance_m is None else r.distance_m * 100 for r in readings], dtype=float)
    return Batch(rows, at_ms, received_ms, cells, np.rint(distance_cm).astype(np.int64), _intervals(readings))


def _values(readings: Sequence[Reading]) -> dict[int, Array]:
    heart_rate = [
        -1 if r.heart_rate_bpm is None else r.heart_rate_bpm | STRAP_BIT if r.source == STRAP_SOURCE else r.heart_rate_bpm
        for r in readings
    ]
    power: list[Any] = [-1 if r.power_watts is None else r.power_watts for r in readings]
    cadence = [-1 if r.cadence_rpm is None else r.cadence_rpm * CADENCE_STEPS for r in readings]
    speed = [-1 if r.speed_mps is None else r.speed_mps * SPEED_STEPS for r in readings]
    columns = {HEART_RATE: heart_rate, POWER: power, CADENCE: cadence, SPEED: speed}
    return {metric: np.rint(np.array(values, dtype=float)).astype(np.int64) for metric, values in columns.items()}


def _intervals(readings: Sequence[Reading]) -> Intervals | None:
    beating = [(at, r.rr_ms) for at, r in enumerate(readings) if r.rr_ms]
    if not beating:
        return None
    lengths = np.array([len(rr_ms) for _, rr_ms in beating])
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    event = np.repeat(np.array([at for at, _ in beating]), lengths)
    return Intervals(event, place, np.fromiter(chain.from_iterable(rr_ms for _, rr_ms in beating), dtype=np.int64))
