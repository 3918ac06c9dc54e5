"""The common form of an activity file: what was recorded, when, and what had to be left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import polars as pl

from schemas import ranges

COLUMNS: dict[str, tuple[Any, type[pl.DataType]]] = {
    "heart_rate_bpm": (ranges.HeartRateBpm, pl.Int16),
    "power_watts": (ranges.PowerWatts, pl.Int16),
    "cadence_rpm": (ranges.CadenceRpm, pl.Float64),
    "speed_mps": (ranges.SpeedMps, pl.Float64),
    "distance_m": (ranges.DistanceM, pl.Float64),
    "latitude_deg": (ranges.LatitudeDeg, pl.Float64),
    "longitude_deg": (ranges.LongitudeDeg, pl.Float64),
    "altitude_m": (ranges.AltitudeM, pl.Float64),
    "step_count": (ranges.StepCount, pl.Int64),
}
"""Every measured column with the range its values must lie in and its type."""

Row = dict[str, float | None]
"""One record as a parser found it: `time_ms` and any of `COLUMNS`, in the units that the names say."""


class UnreadableRecording(Exception):
    """The file is not usable. Nothing of it has been taken."""

    def __init__(self, file: str, place: str, reason: str) -> None:
        super().__init__(f"{file}: {reason} ({place})")
        self.file = file
        self.place = place
        self.reason = reason


@dataclass(frozen=True)
class Lap:
    """A lap as the device cut it."""

    start_ms: int
    end_ms: int
    distance_m: float | None = None
    calories_kcal: float | None = None


@dataclass(frozen=True)
class RecordedSession:
    """One sport within the file, in the words of the device."""

    sport: str
    start_ms: int
    end_ms: int
    sub_sport: str = ""
    timer_s: float | None = None
    """Time without pauses, as the device counted it."""
    distance_m: float | None = None
    calories_kcal: float | None = None
    speed_avg_mps: float | None = None
    """As the device reports it, plausible or not."""


@dataclass(frozen=True)
class Recording:
    """An activity: `records` hold `time_ms` and every column of `COLUMNS`, sorted by time; `beats` hold `time_ms`, `rr_ms`.

    Values outside their plausible range are absent; `dropped` counts them by column (`time_ms`: whole records without a
    usable time). Running cadence is in steps of one foot, as devices record it. When `has_clock` is false the file knows no
    date and its times count from 0.
    """

    file: str
    format: str
    records: pl.DataFrame
    beats: pl.DataFrame
    sessions: tuple[RecordedSession, ...]
    laps: tuple[Lap, ...] = ()
    name: str = ""
    device: str = ""
    dropped: Mapping[str, int] = field(default_factory=dict)
    pauses_ms: tuple[tuple[int, int], ...] = ()
    """Begin and end of each time in which the device's timer stood still, as far as the file tells."""
    notes: tuple[str, ...] = ()
    """What the reader should know, such as times without a zone."""
    has_clock: bool = True

    @property
    def start_ms(self) -> int:
        return int(self.records["time_ms"][0])

    @property
    def end_ms(self) -> int:
        return int(self.records["time_ms"][-1])

    @property
    def duration_s(self) -> float:
        return (self.end_ms - self.start_ms) / 1000


def number(value: object) -> float | None:
    """A float out of whatever a file holds; none when it is no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # what float refuses is answered with none
    except (TypeError, ValueError, OverflowError):
        return None


def epoch_ms(text: str | None) -> tuple[int | None, bool]:
    """An ISO 8601 time as epoch milliseconds, and whether it named its zone; without one it is read as UTC."""
    try:
        found = datetime.fromisoformat((text or "").strip())
        zoned = found.tzinfo is not None
        return round((found if zoned else found.replace(tzinfo=UTC)).timestamp() * 1000), zoned
    except (ValueError, OverflowError):
        return None, True


def pauses_at(rows: Sequence[Row], cuts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The pauses between the rows before and after each cut; a cut before the first or after the last row is none."""
    pairs = [(rows[at - 1].get("time_ms"), rows[at].get("time_ms")) for at in cuts if 0 < at < len(rows)]
    return tuple((int(before), int(after)) for before, after in pairs if before is not None and after is not None)


def bounds(quantity: Any) -> tuple[float, float]:
    """Least and greatest value of a quantity of `schemas.ranges`."""
    meta = get_args(quantity)[1]
    return float(meta.ge), float(meta.le)


def plausible(name: str, values: Sequence[float | None], quantity: Any, dtype: type[pl.DataType]) -> tuple[pl.Series, int]:
    """The values that lie in the quantity's range, the rest as null; and how many were left out."""
    low, high = bounds(quantity)
    raw = pl.Series(name, values, dtype=pl.Float64, strict=False)
    kept = pl.select(pl.when(raw.is_between(low, high)).then(raw).alias(name)).to_series()
    rounded = kept if dtype == pl.Float64 else kept.round()
    return rounded.cast(dtype), kept.null_count() - raw.null_count()


def build_records(rows: Sequence[Row]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rows as the frame of a Recording, sorted by time, and the counts of what was left out."""
    dropped: dict[str, int] = {}
    columns: list[pl.Series] = []
    wanted: dict[str, tuple[Any, type[pl.DataType]]] = {"time_ms": (ranges.EpochMs, pl.Int64), **COLUMNS}
    for name, (quantity, dtype) in wanted.items():
        series, lost = plausible(name, [row.get(name) for row in rows], quantity, dtype)
        columns.append(series)
        if lost:
            dropped[name] = lost
    frame = pl.DataFrame(columns)
    timeless = frame["time_ms"].null_count()
    if timeless:
        dropped["time_ms"] = timeless
    return frame.drop_nulls("time_ms").sort("time_ms", maintain_order=True), dropped


def build_beats(beats: Iterable[tuple[int, float]]) -> tuple[pl.DataFrame, int]:
    """Beat-to-beat intervals with the times of their ends; and how many were outside the range."""
    held = list(beats)
    rr, lost = plausible("rr_ms", [interval for _time, interval in held], ranges.RrMs, pl.Int32)
    times = pl.Series("time_ms", [time for time, _interval in held], dtype=pl.Int64)
    return pl.DataFrame([times, rr]).drop_nulls().sort("time_ms", maintain_order=True), lost


def build_recording(
    file: str,
    format_: str,
    rows: Sequence[Row],
    *,
    beats: Iterable[tuple[int, float]] = (),
    sessions: Sequence[RecordedSession] = (),
    **facts: Any,
) -> Recording:
    """A Recording from what a parser found; a file without any record that has a time is unreadable."""
    records, dropped = build_records(rows)
    if records.is_empty():
        raise UnreadableRecording(file, f"{len(rows)} records read", "it holds no record with a time, so nothing was measured")
    beat_frame, lost_beats = build_beats(beats)
    if lost_beats:
        dropped["rr_ms"] = lost_beats
    start_ms, end_ms = int(records["time_ms"][0]), int(records["time_ms"][-1])
    return Recording(
        file=file,
        format=format_,
        records=records,
        beats=beat_frame,
        sessions=tuple(sessions) or (RecordedSession("unknown", start_ms, end_ms),),
        dropped=dropped,
        **facts,
    )
