"""Member-minutes: a minute is what was added to the totals since the minute before."""

from typing import Any

import numpy as np

from pipelines.steps.batch import CADENCE_STEPS, SPEED_STEPS
from pipelines.steps.columns import Array
from pipelines.steps.effort import effort_points
from pipelines.steps.grid import Grid
from pipelines.steps.intensity import intensity_score
from pipelines.steps.live_columns import ratio
from pipelines.steps.members import Marks
from pipelines.steps.physiology import UNIT
from pipelines.steps.results import MemberMinute
from pipelines.steps.session import Session
from pipelines.steps.totals import Totals

REVISIONS = 1_000
"""Versions of one minute: revisions of the summary. When it was closed is not in them: a replay writes the same rows."""


class MinuteBook:
    """Writes closed minutes down. `marks` are the totals at the start of each row's open minute."""

    def __init__(self, marks: Marks, grid: Grid, sessions: list[Session]) -> None:
        self.marks = marks
        self.closed: list[MemberMinute] = []
        self._grid = grid
        self._sessions = sessions

    def provisional(self) -> "MinuteBook":
        """A book for minutes that may still change: closing them leaves the marks of this one alone."""
        return MinuteBook(self.marks.take(np.arange(len(self.marks))), self._grid, self._sessions)

    def close(self, rows: Array, totals: Totals, minute: Array) -> None:
        """Rows whose minute, beginning at second `minute` of the session, ended with these totals."""
        before = self.marks.take(rows)
        after = Marks.of({name: getattr(totals, name) for name in Marks.columns})
        self.marks.put(rows, after)
        seen = np.flatnonzero(after.seconds_seen > before.seconds_seen)
        if len(seen):
            self._write(rows[seen], minute[seen], before.take(seen), after.take(seen), totals.minute_max[seen])

    def _write(self, rows: Array, minute: Array, before: Marks, after: Marks, maximum: Array) -> None:
        new = {name: getattr(after, name) - getattr(before, name) for name in Marks.columns}
        body, members = self._grid.body, self._grid.members
        beats = ratio(new["heart_rate_sum"], new["heart_rate_count"])
        columns = zip(
            members.session[rows].tolist(),
            members.member_id[rows].tolist(),
            minute.tolist(),
            _known(beats),
            maximum.tolist(),
            _known(ratio(new["power_sum"], new["power_count"])),
            _known(ratio(new["cadence_sum"], new["cadence_count"]) / CADENCE_STEPS),
            _known(ratio(new["speed_sum"], new["speed_count"]) / SPEED_STEPS),
            _known(intensity_score(beats, body.max_bpm[rows], body.resting_bpm[rows])),
            new["zone_s"].astype(float).tolist(),
            effort_points(new["zone_s"]).tolist(),
            (new["trimp"] / UNIT).tolist(),
            new["seconds_seen"].tolist(),
            strict=True,
        )
        named = {at: _named(self._sessions[at]) for at in np.unique(members.session[rows]).tolist()}
        self.closed += [_minute(named[values[0]], values) for values in columns]


def _named(of: Session) -> tuple[str, int, int, int]:
    """What a session's minutes have in common."""
    return of.record.session_id, of.class_id, of.started_s, min(max(of.revision, 1), REVISIONS - 1)


def _minute(named: tuple[str, int, int, int], values: tuple[Any, ...]) -> MemberMinute:
    session_id, class_id, started_s, revision = named
    _, member_id, minute, beats, maximum, power, cadence, speed, intensity, zone_s, effort, trimp, seen = values
    return MemberMinute(
        session_id=session_id,
        class_id=class_id,
        member_id=member_id,
        minute=started_s + minute,
        heart_rate_avg_bpm=beats,
        heart_rate_max_bpm=maximum or None,
        power_avg_watts=power,
        cadence_avg_rpm=cadence,
        speed_avg_mps=speed,
        intensity=intensity,
        zone_s=tuple(zone_s),
        effort_points=effort,
        trimp=trimp,
        seconds_seen=seen,
        version=(started_s + minute) * REVISIONS + revision,
    )


def _known(values: Array) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124  # NaN is not equal to itself
