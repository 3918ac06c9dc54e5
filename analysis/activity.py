"""A recording as the series that formulas take: one value a second of each quantity, and the time that counts."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl

from ingest.parsers.recording import RecordedSession, Recording
from pipelines.steps.columns import Array
from pipelines.steps.geodesy import steps_m
from pipelines.steps.live_columns import MOVING_MPS
from pipelines.steps.moving import moving_seconds, speed_from_distance, travelled_m
from pipelines.steps.recorded_time import Pauses, counted_seconds, running_seconds
from pipelines.steps.sports import Family, family_of
from pipelines.steps.time_in_zone import GAP_S

SPEED_KNOWN_SHARE = 0.5
"""With speed in less than this share of the time, nobody can say how long somebody moved."""


@dataclass(frozen=True)
class Series:
    """Whole seconds, ascending, and one value each: the last that was recorded in it."""

    at: Array
    values: Array

    def __len__(self) -> int:
        return len(self.at)


class Activity:
    """What was recorded; every series is empty when the recording has none of it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @cached_property
    def family(self) -> Family:
        """The sport's family; of several sports in one recording: other."""
        families = {family_of(session.sport, session.sub_sport) for session in self.recording.sessions}
        return families.pop() if len(families) == 1 else "other"

    @cached_property
    def pauses(self) -> Pauses:
        return [(begin / 1000, end / 1000) for begin, end in self.recording.pauses_ms]

    @cached_property
    def elapsed_s(self) -> float:
        return self.recording.duration_s

    @cached_property
    def record_s(self) -> Array:
        """Time of every record, s."""
        return self.recording.records["time_ms"].to_numpy() / 1000

    @cached_property
    def counted_s(self) -> float:
        """The time that was recorded: intervals of up to 10 s between records, less what was paused."""
        return float(counted_seconds(self.record_s, self.pauses).sum())

    @cached_property
    def timer_s(self) -> float:
        """The time that the device's timer ran, by its own word when it gives one, else by the records."""
        told = [session.timer_s for session in self.recording.sessions]
        known = [seconds for seconds in told if seconds is not None and seconds > 0]
        return sum(known) if len(known) == len(told) else float(self.interval_s.sum())

    @cached_property
    def interval_s(self) -> Array:
        """Interval that each record ends, less pauses; a gap counts when the way over it shows that nobody stood still."""
        lengths = running_seconds(self.record_s, self.pauses)
        return np.where(lengths > GAP_S, np.where(self._gap_speed_mps > MOVING_MPS, lengths, 0.0), lengths)

    @cached_property
    def _gap_speed_mps(self) -> Array:
        """Speed over every interval by the way before and after it; 0 where the way is unknown."""
        lengths = running_seconds(self.record_s, self.pauses)
        if self.way_m is None:
            return np.zeros(len(lengths))
        return np.divide(np.diff(self.way_m, prepend=self.way_m[:1]), lengths, out=np.zeros(len(lengths)), where=lengths > 0)

    def series(self, column: str) -> Series:
        """One value a second."""
        known = self.recording.records.filter(pl.col(column).is_not_null())
        grid = known.group_by(pl.col("time_ms") // 1000, maintain_order=True).agg(pl.col(column).last())
        return Series(grid["time_ms"].to_numpy(), grid[column].to_numpy().astype(float))

    def every(self, column: str) -> Array:
        """The values of all records that have one."""
        return self.recording.records[column].drop_nulls().to_numpy().astype(float)

    @cached_property
    def heart_rate(self) -> Series:
        return self.series("heart_rate_bpm")

    @cached_property
    def power(self) -> Series:
        return self.series("power_watts")

    @cached_property
    def cadence(self) -> Series:
        return self.series("cadence_rpm")

    @cached_property
    def intervals_ms(self) -> Array:
        """Every RR interval, in order."""
        return self.recording.beats["rr_ms"].to_numpy().astype(float)

    @cached_property
    def way_m(self) -> Array | None:
        """Way since the start at every record: by the device's own total, else by positions, else by speed; else none."""
        records = self.recording.records
        way: Array
        if records["distance_m"].drop_nulls().len() > 1:
            return travelled_m(records["distance_m"].fill_null(strategy="forward").fill_null(strategy="backward").to_numpy())
        placed = (records["latitude_deg"].is_not_null() & records["longitude_deg"].is_not_null()).to_numpy()
        if placed.sum() > 1:
            steps = np.zeros(len(records))
            steps[placed] = steps_m(*(records[name].to_numpy()[placed] for name in ("latitude_deg", "longitude_deg")))
            way = np.cumsum(steps)
            return way
        if records["speed_mps"].drop_nulls().len() > 1:
            way = np.cumsum(np.nan_to_num(records["speed_mps"].to_numpy()) * counted_seconds(self.record_s, self.pauses))
            return way
        return None

    @cached_property
    def speed_mps(self) -> Array | None:
        """Speed at every record, NaN where unknown: the device's own, else from the way; none without either."""
        if self.recording.records["speed_mps"].drop_nulls().len() > 1:
            speed = self.recording.records["speed_mps"].to_numpy().astype(float)
        elif self.way_m is not None:
            speed = speed_from_distance(self.record_s, self.way_m)
        else:
            return None
        return np.where(running_seconds(self.record_s, self.pauses) > GAP_S, self._gap_speed_mps, speed)

    @cached_property
    def moving_s(self) -> float | None:
        """Time under way, each sport of the recording by its own threshold; none when speed is unknown for half of the time."""
        speed = self.speed_mps
        if speed is None or self.interval_s[~np.isnan(speed)].sum() <= SPEED_KNOWN_SHARE * self.interval_s.sum():
            return None
        if self.family != "other" or len(self.recording.sessions) == 1:
            return moving_seconds(self.interval_s, speed, self.family)
        total = 0.0
        for session, begin_ms, end_ms in session_spans(self.recording):
            inside = (self.record_s >= begin_ms / 1000) & (self.record_s < end_ms / 1000)
            family = family_of(session.sport, session.sub_sport)
            total += moving_seconds(self.interval_s[inside], speed[inside], family)
        return total


def session_spans(recording: Recording) -> list[tuple[RecordedSession, int, int]]:
    """Each session with the begin and end (ms, excluded) of its records: it ends where the next begins.

    Devices write ends that overlap and first sessions that begin too late, but the next one's begin is when the athlete pressed
    the button.
    """
    sessions = sorted(recording.sessions, key=lambda session: session.start_ms)
    begins = [recording.start_ms, *(session.start_ms for session in sessions[1:]), recording.end_ms + 1]
    return [(session, *span) for session, span in zip(sessions, pairwise(begins), strict=True)]
