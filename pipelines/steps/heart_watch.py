"""Heart rates on their way to the alert rules: each second of a member, once it is closed, in the order of arrival.

Alerts cannot wait a minute for stragglers as totals do. A second counts as it stood when the next one began: what comes after
is in the totals, but raises nothing. So the outcome depends on the order of the log, which never changes, and not on batches.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import Watch
from pipelines.steps.plausibility import judge
from pipelines.steps.segments import (
    LONG_AGO,
    before,
    ends_of_runs,
    first_of_run,
    last_of_run,
    running_maximum,
    starts_of_runs,
)
from pipelines.steps.totals import STRAP_BIT


@dataclass(frozen=True)
class ClosedSeconds:
    """Columns sorted by row and second; `closed_by` is the position of the event that closed the second."""

    rows: Array
    seconds: Array
    bpm: Array
    suspect: Array
    closed_by: Array


def close_seconds(watch: Watch, rows: Array, seconds: Array, cells: Array) -> ClosedSeconds | None:
    """Take heart rates in, sorted by row, each row's in the order of arrival; returns the seconds that are closed by them."""
    position = np.arange(len(rows))
    starts = starts_of_runs(rows)
    on_time = seconds == running_maximum(seconds, rows, starts, watch.second[rows[starts]])
    if not on_time.all():
        rows, seconds, cells, position = (column[on_time] for column in (rows, seconds, cells, position))
        starts = starts_of_runs(rows)
    if not len(rows):
        return None
    opens = starts if len(starts) == len(rows) else _opening(seconds, starts)
    if len(opens) < len(rows):
        cells = np.maximum.reduceat(cells, opens)
        rows, seconds, position = rows[opens], seconds[opens], position[opens]
        starts = starts_of_runs(rows)
    ends, of = ends_of_runs(starts, len(rows)), rows[starts]
    open_second, open_cell = watch.second[of], watch.cell[of]
    again = starts[seconds[starts] == open_second]
    if len(again):
        cells = cells.copy()
        cells[again] = np.maximum(cells[again], watch.cell[rows[again]])
    at, cell = before(seconds, starts, open_second), before(cells, starts, open_cell)
    watch.second[of], watch.cell[of] = seconds[ends], cells[ends]
    closes = (seconds > at) & (at > LONG_AGO)
    if not closes.all():
        rows, at, cell, position = (column[closes] for column in (rows, at, cell, position))
    return _judged(watch, rows, at, cell, position) if len(rows) else None


def _opening(seconds: Array, starts: Array) -> Array:
    """The positions of the first heart rates of their members' seconds."""
    opens = first_of_run(seconds)
    opens[starts] = True
    return np.flatnonzero(opens)


def _judged(watch: Watch, rows: Array, at: Array, cell: Array, closed_by: Array) -> ClosedSeconds:
    """Closed seconds, sorted by row and second, with what is to be thought of them."""
    bpm = (cell & 0xFF).astype(np.int64)
    judged = judge(
        rows,
        at,
        bpm,
        (cell & STRAP_BIT) != 0,
        last_second=watch.last,
        last_value=watch.value,
        last_jump=watch.jump,
        unchanged_since=watch.unchanged,
    )
    ends = np.flatnonzero(last_of_run(rows))
    row = rows[ends]
    watch.last[row], watch.value[row] = at[ends], bpm[ends]
    watch.jump[row], watch.unchanged[row] = judged.last_jump, judged.unchanged_since
    return ClosedSeconds(rows, at, bpm, judged.suspect, closed_by)
