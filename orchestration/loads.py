"""A member's days: load, fitness, fatigue and form, out of the summaries of all days before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.history import Reader
from pipelines.steps.fitness import form_over_days

LOADS_SQL = """
SELECT member_id, toDate(ended_at, 'UTC') AS on_day, count() AS sessions, sum(ifNull(trimp, 0)) AS load,
    sum(effort_points) AS effort_points, sum(seconds_seen) AS seconds_seen
FROM v_member_summaries INNER JOIN
    (SELECT session_id, ended_at FROM v_class_summaries WHERE ended_at < {end:DateTime64(3, 'UTC')}) AS classes USING session_id
WHERE attended GROUP BY member_id, on_day ORDER BY member_id, on_day
"""
_TYPES: dict[str, pa.DataType] = {
    "member_id": pa.uint64(),
    "day": pa.date32(),
    "sessions": pa.uint16(),
    "load": pa.float64(),
    "effort_points": pa.float64(),
    "seconds_seen": pa.uint32(),
    "fitness": pa.float64(),
    "fatigue": pa.float64(),
    "form": pa.float64(),
    "history_days": pa.uint32(),
    "version": pa.uint64(),
}
COLUMNS = pa.schema(_TYPES)
NO_FIGURES = {"member_id", "day", "version"}
ONE_DAY = timedelta(days=1)
NOTHING = {"sessions": 0, "load": 0.0, "effort_points": 0.0, "seconds_seen": 0}


def daily_loads(reader: Reader, last: date) -> pa.Table:
    """What every member did on every day with a session, up to `last`. Raises Unavailable."""
    end = datetime.combine(last + ONE_DAY, time(), UTC)
    return reader.query(LOADS_SQL, {"end": end})


def rows_of_days(loads: pa.Table, days: Sequence[date], now_ms: int) -> list[dict[str, Any]]:
    """A row for every member and asked day from the member's first training day on, rest days too.

    Each depends on all loads before it and on no row of another day, so days may be computed in any order, and again.
    """
    made: list[dict[str, Any]] = []
    for member_id, rows in groupby(loads.to_pylist(), key=lambda row: row["member_id"]):
        by_day = {_day(row["on_day"]): row for row in rows}
        made += _rows_of_member(member_id, by_day, days, now_ms)
    return made


def _rows_of_member(
    member_id: int, by_day: Mapping[date, Mapping[str, Any]], days: Sequence[date], now_ms: int
) -> Iterator[dict[str, Any]]:
    first, last = min(by_day), max(days)
    if last < first:
        return
    length = (last - first).days + 1
    load = np.zeros(length)
    for day, row in by_day.items():
        load[(day - first).days] = row["load"]
    form = form_over_days(load)
    for day in days:
        at = (day - first).days
        if at < 0:
            continue
        told = by_day.get(day, NOTHING)
        yield {
            "member_id": member_id,
            "day": day,
            **{name: told[name] for name in NOTHING},
            "fitness": float(form.fitness[at]),
            "fatigue": float(form.fatigue[at]),
            "form": float(form.form[at]),
            "history_days": at + 1,
            "version": now_ms,
        }


def by_month(rows: Iterable[Mapping[str, Any]]) -> list[pa.Table]:
    """The rows as inserts: one a month, because that is how the table is partitioned."""
    in_order = sorted(rows, key=lambda row: (row["day"], row["member_id"]))
    return [_month(list(same)) for _, same in groupby(in_order, key=lambda row: (row["day"].year, row["day"].month))]


def _month(rows: list[Mapping[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], COLUMNS.field(name).type) for name in COLUMNS.names}, COLUMNS)


def _day(found: Any) -> date:
    """The engine hands days out as dates, or as their number since 1970, by its version."""
    return found if isinstance(found, date) else date(1970, 1, 1) + timedelta(days=int(found))


STORED_SQL = """
SELECT member_id, day AS on_day, sessions, load, effort_points, seconds_seen, fitness, fatigue, form, history_days
FROM v_member_daily WHERE day IN {days:Array(Date)}
"""


@dataclass(frozen=True)
class DayDiffers:
    """A member's day whose stored row is not what the summaries give now."""

    day: date
    member_id: int
    figure: str
    stored: Any
    recomputed: Any


def days_that_differ(reader: Reader, loads: pa.Table, days: Sequence[date]) -> list[DayDiffers]:
    """By day; a row that is not there at all differs in `row`. Raises Unavailable."""
    stored = {}
    for row in reader.query(STORED_SQL, {"days": list(days)}).to_pylist():
        stored[_day(row["on_day"]), row["member_id"]] = row
    found: list[DayDiffers] = []
    for made in rows_of_days(loads, days, 0):
        day, member_id = made["day"], made["member_id"]
        kept = stored.get((day, member_id))
        if kept is None:
            found.append(DayDiffers(day, member_id, "row", "missing", "present"))
            continue
        figures = [name for name in COLUMNS.names if name not in NO_FIGURES and kept[name] != made[name]]
        found += [DayDiffers(day, member_id, name, kept[name], made[name]) for name in figures]
    return sorted(found, key=lambda one: (one.day, one.member_id, one.figure))
