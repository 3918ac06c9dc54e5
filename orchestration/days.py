"""Days in UTC: the partitions of every asset that is about classes and members."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from schemas.directory import SessionRecord

FIRST_DAY = date(2026, 1, 1)
"""Before the first release: no class was held with this system."""
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=1)
"""Up to today: a day can be looked at before it is over."""
POOL = "warehouse"
"""Steps that work the warehouse hard take turns, so that a backfill never stands in the way of running classes."""

RANGE_START, RANGE_END, ONE = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"
"""How Dagster tells a run its days."""


def day_of(at_ms: int) -> date:
    """The day in which this moment lies."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def begin_ms(day: date) -> int:
    """The first moment of a day."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def asked_days(keys: Sequence[str]) -> list[date]:
    """The days of these partitions, in order."""
    return sorted(date.fromisoformat(key) for key in keys)


def days_in_question(run_tags: Mapping[str, str], now_ms: int) -> list[date]:
    """The days that a run is about, for checks; of one that is about none, yesterday and today."""
    today = day_of(now_ms)
    one = run_tags.get(ONE)
    if one:
        return [date.fromisoformat(one)]
    if RANGE_START in run_tags:
        return days_between(date.fromisoformat(run_tags[RANGE_START]), date.fromisoformat(run_tags[RANGE_END]))
    return [today - timedelta(days=1), today]


def days_between(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def ended_on(records: Iterable[SessionRecord], days: Iterable[date]) -> list[SessionRecord]:
    """The sessions that ended on one of these days, by their end."""
    wanted = set(days)
    ended = [record for record in records if record.ended_at_ms is not None and day_of(record.ended_at_ms) in wanted]
    return sorted(ended, key=lambda record: (record.ended_at_ms, record.session_id))
