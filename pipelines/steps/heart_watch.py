"""Heart rates on their way to the alert rules: each second of a member, once it is closed, in the order of arrival.

Alerts cannot wait a minute for stragglers as totals do. A second counts as it stood when the next one began: what comes after
is in the totals, but raises nothing. So the outcome depends on the order of the log, which never changes, and not on batches.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import Watch
from pipelines.steps.plausibility import judge
from pipelines.steps.segments import LONG_AGO, first_of_run, last_of_run, running_maximum
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
    order = np.argsort(rows, kind="stable")
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
    same = first & (seconds == watch.second[rows])
    best[same] = np.maximum(best[same], watch.cell[rows[same]])
    done = _closed(watch, rows, seconds, best, order, first, last)
    watch.second[rows[last]], watch.cell[rows[last]] = seconds[last], best[last]
    return done


def _closed(  # noqa: PLR0917  # columns of one table
    watch: Watch, rows: Array, seconds: Array, cells: Array, order: Array, first: Array, last: Array
) -> ClosedSeconds | None:
    """The second that was open before, and all but the newest of the batch."""
    left = np.flatnonzero(first & (seconds > watch.second[rows]) & (watch.second[rows] > LONG_AGO))
    inner = np.flatnonzero(~last)
    if not len(left) + len(inner):
        return None
    of_row = np.concatenate([rows[left], rows[inner]])
    at = np.concatenate([watch.second[rows[left]].astype(np.int64), seconds[inner]])
    sort = np.lexsort((at, of_row))
    cell = np.concatenate([watch.cell[rows[left]], cells[inner]])[sort]
    closed_at = np.concatenate([order[left], order[inner + 1]])[sort]
    of_row, at, bpm = of_row[sort], at[sort], (cell & 0xFF).astype(np.int64)
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
