"""Readings as columns: the one place where events are touched one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import CADENCE, HEART_RATE, POWER, SPEED
from pipelines.steps.ring import cells_of
from pipelines.steps.totals import STRAP_BIT
from schemas.events import Reading

STRAP_SOURCE: Final = "heart_rate_monitor"
STEPS: Final = {"power_watts": 1, "cadence_rpm": 256, "speed_mps": 1000, "distance_m": 100}
"""Cadence is kept in 1/256 rpm, speed in mm/s (as FIT does), distance in cm: finer than any sensor, and whole numbers add up
exactly."""
CADENCE_STEPS: Final = STEPS["cadence_rpm"]
SPEED_STEPS: Final = STEPS["speed_mps"]
METRICS: Final = {"heart_rate_bpm": HEART_RATE, "power_watts": POWER, "cadence_rpm": CADENCE, "speed_mps": SPEED}
ABSENT: Final = -1
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
        at = position[self.event]
        kept = at >= 0
        return Intervals(at[kept], self.place[kept], self.rr_ms[kept]) if kept.any() else None


@dataclass(frozen=True)
class Batch:
    """Equally long columns, one entry an event. What no event carries has no column."""

    rows: Array
    at_ms: Array
    received_ms: Array
    cells: dict[int, Array]
    """What each metric's ring keeps; 0 where the event does not carry the metric."""
    distance_cm: Array | None
    """`ABSENT` where the event does not carry it."""
    intervals: Intervals | None

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, chosen: Array) -> Self:
        """The events at these positions, in this order."""
        return type(self)(
            self.rows[chosen],
            self.at_ms[chosen],
            self.received_ms[chosen],
            {metric: cells[chosen] for metric, cells in self.cells.items()},
            None if self.distance_cm is None else self.distance_cm[chosen],
            self.intervals.part(chosen, len(self.rows)) if self.intervals else None,
        )

    def measured(self) -> Array:
        """Which events carry a metric or intervals."""
        measured = np.zeros(len(self), dtype=bool)
        for cells in self.cells.values():
            measured |= cells != 0
        if self.intervals:
            measured[self.intervals.event] = True
        return measured


def cells_by_metric(at_ms: Array, values: Mapping[int, Array]) -> dict[int, Array]:
    """Cells out of values in whole steps, `ABSENT` where there is none; a heart rate from a strap has `STRAP_BIT`."""
    milliseconds = at_ms - at_ms // 1000 * 1000  # NumPy divides many at once, but takes remainders one by one
    cells = {metric: cells_of(milliseconds, held) for metric, held in values.items()}
    for metric, held in values.items():
        absent = held < 0
        if absent.any():
            cells[metric][absent] = 0
    return cells


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch after the other."""
    sizes = [len(batch) for batch in batches]
    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    with_beats = [(start, batch.intervals) for start, batch in zip(starts, batches, strict=True) if batch.intervals]
    distances = [batch.distance_cm for batch in batches]
    event = [beats.event + start for start, beats in with_beats]
    place, rr_ms = [beats.place for _, beats in with_beats], [beats.rr_ms for _, beats in with_beats]
    return Batch(
        np.concatenate([batch.rows for batch in batches]),
        np.concatenate([batch.at_ms for batch in batches]),
        np.concatenate([batch.received_ms for batch in batches]),
        {m: _column([b.cells.get(m) for b in batches], sizes, np.uint32(0)) for m in {m for b in batches for m in b.cells}},
        _column(distances, sizes, np.int64(ABSENT)) if any(distance is not None for distance in distances) else None,
        Intervals(np.concatenate(event), np.concatenate(place), np.concatenate(rr_ms)) if with_beats else None,
    )


def _column(parts: Sequence[Array | None], sizes: Sequence[int], fill: np.integer[Any]) -> Array:
    return np.concatenate([np.full(size, fill) if part is None else part for part, size in zip(parts, sizes, strict=True)])


def rows_of(readings: Sequence[Reading], index: Mapping[str, Mapping[int, int]]) -> Array:
    """The row of each reading's member in its session; -1 where the session or the member is unknown."""
    return np.array([index.get(r.session_id, _NOBODY).get(r.member_id, -1) for r in readings], dtype=np.int64)


def batch_of(readings: Sequence[Reading], rows: Array) -> Batch:
    """Columns of readings whose rows are known. Values are within their ranges: the decoder saw to that."""
    at_ms = np.array([r.event_time_ms for r in readings], dtype=np.int64)
    received_ms = np.array([r.received_time_ms for r in readings], dtype=np.int64)
    values = {metric: found for metric, found in _values(readings).items() if found is not None}
    distance_cm = _steps([r.distance_m for r in readings], STEPS["distance_m"])
    return Batch(rows, at_ms, received_ms, cells_by_metric(at_ms, values), distance_cm, _intervals(readings))


def _values(readings: Sequence[Reading]) -> dict[int, Array | None]:
    heart_rate = [
        None if r.heart_rate_bpm is None else r.heart_rate_bpm | STRAP_BIT if r.source == STRAP_SOURCE else r.heart_rate_bpm
        for r in readings
    ]
    return {
        HEART_RATE: _steps(heart_rate, 1),
        POWER: _steps([r.power_watts for r in readings], STEPS["power_watts"]),
        CADENCE: _steps([r.cadence_rpm for r in readings], STEPS["cadence_rpm"]),
        SPEED: _steps([r.speed_mps for r in readings], STEPS["speed_mps"]),
    }


def _steps(values: Sequence[float | None], steps: int) -> Array | None:
    """Values in whole steps; none when there are none."""
    if values.count(None) == len(values):
        return None
    held = np.array([np.nan if value is None else value for value in values], dtype=float) * steps
    return np.where(np.isnan(held), ABSENT, np.rint(held)).astype(np.int64)


def _intervals(readings: Sequence[Reading]) -> Intervals | None:
    beating = [(at, r.rr_ms) for at, r in enumerate(readings) if r.rr_ms]
    if not beating:
        return None
    lengths = np.array([len(rr_ms) for _, rr_ms in beating])
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    event = np.repeat(np.array([at for at, _ in beating]), lengths)
    return Intervals(event, place, np.fromiter(chain.from_iterable(rr_ms for _, rr_ms in beating), dtype=np.int64))
