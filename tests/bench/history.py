"""Months of a club in the warehouse, made inside the warehouse: seconds of classes, and the results that flows make of them.

Forty members a class of 45 minutes, a strap's heart rate every second, power and cadence in every other class, all of it a
function of the row's number: the same history every time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.tables import ALERTS, CLASS_SUMMARIES, MEMBER_MINUTES, MEMBER_SUMMARIES, TELEMETRY_1S, Table

CLASS_SIZE, CLASS_S = 40, 2_700
SESSION_ROWS = CLASS_SIZE * CLASS_S
GROUPS = 25
"""Of members who train together: a thousand in all."""
CLASSES = 50
FIRST_DAY = "2026-05-04"
DAYS = 180
SESSIONS_AN_INSERT = 30

SQL = Path(__file__).parent / "history_sql"
"""One statement a table, named after it."""


def sessions_of(rows: int) -> int:
    """How many classes so many seconds are."""
    return max(1, rows // SESSION_ROWS)


def write_seconds(client: Client, rows: int, first_session: int = 0) -> Iterator[int]:
    """Seconds from the given session on, as if so many `rows` were the whole history; yields the rows written so far."""
    sessions = sessions_of(rows)
    for begin in range(first_session, sessions, SESSIONS_AN_INSERT):
        end = min(sessions, begin + SESSIONS_AN_INSERT)
        _run(client, TELEMETRY_1S, sessions=sessions, **{"from": begin * CLASS_SIZE, "count": (end - begin) * CLASS_SIZE})
        yield end * SESSION_ROWS


def write_results(client: Client) -> None:
    """What flows write while a class runs and when it ends."""
    months = [row[0] for row in client.query("SELECT DISTINCT toYYYYMM(ts) FROM telemetry_1s").result_rows]
    for month in months:
        _run(client, MEMBER_MINUTES, month=month)
    for table in (MEMBER_SUMMARIES, CLASS_SUMMARIES, ALERTS):
        client.command(_statement(table))


def session_id(number: int) -> str:
    """The id of the n-th class."""
    return f"5e550000-0000-4000-8000-{number:012x}"


def member_of(session: int, place: int) -> int:
    """Who was at that place in the class."""
    return (session % GROUPS) * CLASS_SIZE + place + 1


def _run(client: Client, table: Table, **values: Any) -> None:
    shape = {"groups": GROUPS, "size": CLASS_SIZE, "classes": CLASSES, "seconds": CLASS_S}
    client.command(_statement(table), parameters={**shape, "first": FIRST_DAY, "days": DAYS, **values})


def _statement(table: Table) -> str:
    return (SQL / f"{table.name}.sql").read_text()
