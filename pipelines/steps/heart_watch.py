"""Heart rates on their way to the alert rules: each second of a member, once it is closed, in the order of arrival.

Alerts cannot wait a minute for stragglers as totals do. A second counts as it stood when the next one began: what comes after
is in the totals, but raises nothing. So the outcome depends on the order of the log, which never changes, and not on batches.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import Watch
from pipelines.steps.plausibility import judge
from pipelines.steps.segments import LONG_AGO, before, first_of_run, last_of_run, running_maximum, stable_order
from pipelines.steps.totals import STRAP_BIT


@dataclass(frozen=True)
class ClosedSeconds:
    """Columns sorted by row and second; `closed_at` is the position in the batch of the event that closed the second."""

    rows: Array
    seconds: Array
    bpm: Array
    suspect: Array
    closed_at: Array


def close_seconds(watch: Watch, rows: Array, seconds: Array, cells: Array) -> ClosedSeconds | None:
    """Take heart rates in, in the order of arrival; returns the seconds that are closed by them."""
    order = stable_order(rows)
    rows, seconds, cells = rows[order], seconds[order], cells[order]
    first = first_of_run(rows)
    on_time = seconds == running_maximum(seconds, rows, first, watch.second[rows[first]])
    rows, seconds, cells, order = rows[on_time], seconds[on_time], cells[on_time], order[on_time]
    if not len(rows):
        return None
    first = first_of_run(rows)
    opens = first | first_of_run(seconds)
    starts = np.flatnonzero(opens)
    best = np.maximum.reduceat(cells, starts)
    rows, seconds, order = rows[starts], seconds[starts], order[starts]
    first, last = first_of_run(rows), last_of_run(rows)
    open_second, open_cell = watch.second[rows[first]], watch.cell[rows[first]]
    same = seconds[first] == open_second
    best[first] = np.where(same, np.maximum(best[first], open_cell), best[first])
    at, cell = before(seconds, first, open_second), before(best, first, open_cell)
    watch.second[rows[last]], watch.cell[rows[last]] = seconds[last], best[last]
    closes = np.flatnonzero((seconds > at) & (at > LONG_AGO))
    return _judged(watch, rows[closes], at[closes], cell[closes], order[closes]) if len(closes) else None


def _judged(watch: Watch, of_row: Array, at: Array, cell: Array, closed_at: Array) -> ClosedSeconds:
    """Closed seconds, sorted by row and second, with what is to be thought of them."""
    bpm = (cell & 0xFF).astype(np.int64)
    judged = judge(
        of_row,
        at,
        bpm,
        (cell & STRAP_BIT) != 0,
        last_second=watch.last,
        last_value=watch.value,
        last_jump=watch.jump,
        unchanged_since=watch.unchanged,
    )
    ends = last_of_run(of_row)
    row = of_row[ends]
    watch.last[row], watch.value[row] = at[ends], bpm[ends]
    watch.jump[row], watch.unchanged[row] = judged.last_jump[ends], judged.unchanged_since[ends]
    return ClosedSeconds(of_row, at, bpm, judged.suspect, closed_at)
