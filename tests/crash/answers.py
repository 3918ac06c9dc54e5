"""Compares what the house answers with what an undisturbed run answers; every difference is a sentence."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from infra.settings import Settings
from infra.warehouse_columns import WarehouseColumns
from pipelines.arrow_schemas import SCHEMAS, TIME_MS
from pipelines.messages import Rows
from schemas.alerts import Alert
from schemas.tables import CLASS_SUMMARIES, MEMBER_MINUTES, MEMBER_SUMMARIES, TELEMETRY_1S, TELEMETRY_RAW, Table
from tests.crash.reference import MEASURES, Expected
from tests.crash.watcher import Picture

COMPARED: dict[Table, tuple[str, ...]] = {
    TELEMETRY_RAW: ("member_id", "metric", "ts", "device", "seq", "value", "source"),
    TELEMETRY_1S: ("member_id", "ts", "class_id", *MEASURES),
    MEMBER_MINUTES: tuple(name for name in SCHEMAS[MEMBER_MINUTES].names if name != "version"),
    MEMBER_SUMMARIES: tuple(n for n in SCHEMAS[MEMBER_SUMMARIES].names if n not in {"revision", "computed_from"}),
    CLASS_SUMMARIES: tuple(n for n in SCHEMAS[CLASS_SUMMARIES].names if n not in {"revision", "computed_from"}),
}
"""Left out: when an event was received, which of two devices stands in a united row, and how often a row was written anew."""
BY_THE_CLOCK = {"lost_signal", "low_attendance"}
"""Rules that follow the time of day: when such an alert is over depends on when the flow saw it."""
LOOK_S = 3.0
"""A flow looks at the clock once a second, while it is no more than two behind: what is over sooner it may never see."""
LATE_S = 55.0
"""What is older than 60 s when it is received raises nothing: after such an outage alerts are others, by rule."""
OUTAGE_S = 15.0
"""Without anything confirmed for so long, signals were truly lost: the limit is 20 s, with what one second of class takes."""


class Answers:
    """The reader views of one house."""

    def __init__(self, settings: Settings) -> None:
        self._warehouse = WarehouseColumns(settings, "reader")

    def close(self) -> None:
        self._warehouse.close()

    def count(self, table: Table, session_id: str) -> int:
        """Rows of a session in a table's view."""
        sql = f"SELECT count() AS rows FROM v_{table.name} WHERE session_id = {{s:UUID}}"
        return int(self._warehouse.query(sql, {"s": session_id}).to_pylist()[0]["rows"])

    def alerts(self, session_id: str) -> dict[str, dict[str, Any]]:
        """The alerts of a session by id; the view must show each once."""
        names = ("alert_id", "member_id", "rule", "state", "severity", "message", "current", "threshold", "acknowledged_by")
        times = ", ".join(f"toUnixTimestamp64Milli({t}) AS {t}_ms" for t in ("raised_at", "cleared_at", "acknowledged_at"))
        texts = ", ".join(f"toString({name}) AS {name}" if name in TEXTS else name for name in names)
        found = self._warehouse.query(f"SELECT {texts}, {times} FROM v_alerts WHERE session_id = {{s:UUID}}", {"s": session_id})
        rows = found.to_pylist()
        assert len({row["alert_id"] for row in rows}) == len(rows), "v_alerts shows an alert twice"
        return {row["alert_id"]: row for row in rows}

    def app_events(self, session_id: str) -> list[tuple[str, str]]:
        """Id and body of every app event, as the view shows them."""
        sql = "SELECT event_id, body FROM v_app_events WHERE session_id = {s:UUID} ORDER BY ts, event_id"
        return [(row["event_id"], row["body"]) for row in self._warehouse.query(sql, {"s": session_id}).to_pylist()]

    def revision(self, session_id: str) -> int:
        """Of the summary; 0 while there is none."""
        sql = "SELECT revision FROM v_class_summaries WHERE session_id = {s:UUID}"
        rows = self._warehouse.query(sql, {"s": session_id}).to_pylist()
        return int(rows[0]["revision"]) if rows else 0

    def differences(self, expected: Expected, longest_wait_s: float) -> list[str]:
        """What the views say otherwise than an undisturbed run."""
        session_id, name = expected.record.session_id, expected.record.class_name
        alerts = self.alerts(session_id)
        by_member = Counter(int(alert["member_id"]) for alert in alerts.values())
        rows = dict(expected.rows)
        rows |= _tables(expected.summary(self.revision(session_id), by_member))
        found = [*alert_differences(expected.alerts, alerts, longest_wait_s)]
        for table in COMPARED:
            found += row_differences(table, rows.get(table), self._stored(table, session_id))
        return [f"{name}: {difference}" for difference in found]

    def _stored(self, table: Table, session_id: str) -> pa.Table:
        schema = SCHEMAS[table]
        columns = ", ".join(f"{_sql(name, schema.field(name).type)} AS c{at}" for at, name in enumerate(COMPARED[table]))
        found = self._warehouse.query(f"SELECT {columns} FROM v_{table.name} WHERE session_id = {{s:UUID}}", {"s": session_id})
        return found.rename_columns(list(COMPARED[table]))


TEXTS = {"alert_id", "rule", "state", "severity", "message", "acknowledged_by"}


def alert_differences(expected: dict[str, Alert], stored: dict[str, dict[str, Any]], longest_wait_s: float) -> list[str]:
    """By id. A signal that was lost because nothing could be sent for longer than the limit is an alert of its own right; what
    followed the clock and was over before the house could see it is none.
    """
    found = [
        f"alert {alert_id} is still {row['state']} after the end"
        for alert_id, row in stored.items()
        if row["state"] != "cleared"
    ]
    if longest_wait_s >= LATE_S:
        return found
    for alert_id in sorted(expected.keys() - stored.keys()):
        alert = expected[alert_id]
        lasts_s = math.inf if alert.cleared_at_ms is None else (alert.cleared_at_ms - alert.raised_at_ms) / 1_000
        if alert.rule not in BY_THE_CLOCK or lasts_s > max(LOOK_S, longest_wait_s):
            found.append(f"alert {alert_id} is missing, which lasts {lasts_s:.0f} s")
    for alert_id in sorted(stored.keys() - expected.keys()):
        truly_lost = stored[alert_id]["rule"] == "lost_signal" and longest_wait_s >= OUTAGE_S
        if not truly_lost:
            found.append(f"alert {alert_id} was raised by nothing (longest outage {longest_wait_s:.1f} s): {stored[alert_id]}")
    for alert_id, row in stored.items():
        if alert_id in expected:
            found += _alert_differences(expected[alert_id], row)
    return found


def picture_differences(expected: Expected, picture: Picture) -> list[str]:
    """What a client shows last, against the last keyframe of an undisturbed run."""
    live, name = expected.live, expected.record.class_name
    if picture.state != live.session_state:
        return [f"{name}: the client's last state is {picture.state!r}"]
    if sorted(picture.members) != sorted(live.members):
        return [f"{name}: the client shows {len(picture.members)} members instead of {len(live.members)}"]
    theirs, ours = _by_member(picture.members, picture.columns), _by_member(live.members, live.columns)
    return [
        f"{name}: the client shows {column} of member {member} as {value}, not {ours[member, column]}"
        for (member, column), value in theirs.items()
        if value != ours.get((member, column))
    ] + [f"{name}: the client lacks {key}" for key, value in ours.items() if value is not None and key not in theirs]


def _by_member(members: Sequence[int], columns: dict[str, list[Any]]) -> dict[tuple[int, str], Any]:
    return {(member, name): values[row] for name, values in columns.items() for row, member in enumerate(members) if members}


def _alert_differences(alert: Alert, row: dict[str, Any]) -> list[str]:
    wanted = {
        "member_id": alert.member_id or 0,
        "rule": alert.rule,
        "severity": alert.alert.severity,
        "raised_at_ms": alert.raised_at_ms,
        "acknowledged_at_ms": alert.acknowledged_at_ms,
        "acknowledged_by": alert.acknowledged_by or "",
    }
    if alert.rule not in BY_THE_CLOCK:
        wanted |= {
            "cleared_at_ms": alert.cleared_at_ms,
            "message": alert.alert.message,
            "current": alert.alert.current,
            "threshold": alert.alert.threshold,
        }
    return [f"alert {alert.alert_id}: {n} is {row[n]!r}, not {value!r}" for n, value in wanted.items() if row[n] != value]


def _tables(rows: Sequence[Rows]) -> dict[Table, pa.Table]:
    return {part.table: part.rows for part in rows if part.table is not MEMBER_MINUTES}


def row_differences(table: Table, expected: pa.Table | None, stored: pa.Table) -> list[str]:
    names = list(COMPARED[table])
    if expected is None or not expected.num_rows:
        return [f"v_{table.name} has {stored.num_rows} rows instead of none"] if stored.num_rows else []
    theirs, ours = _plain(table, stored, names), _plain(table, expected.select(names), names)
    if theirs.equals(ours):
        return []
    if theirs.num_rows != ours.num_rows:
        return [f"v_{table.name} has {theirs.num_rows} rows instead of {ours.num_rows}"]
    pairs = zip(theirs.to_pylist(), ours.to_pylist(), strict=True)
    wrong = [(a, {n: v for n, v in b.items() if a[n] != v}) for a, b in pairs if a != b]
    return [f"v_{table.name}: {len(wrong)} rows differ, first {wrong[0][0]}, expected {wrong[0][1]}"] if wrong else []


def _plain(table: Table, rows: pa.Table, names: list[str]) -> pa.Table:
    """Times as whole numbers, texts as plain texts, and in one order."""
    schema = pa.schema([(name, _plain_type(SCHEMAS[table].field(name).type)) for name in names])
    keys = [name for name in ("session_id", "member_id", "minute", "metric", "ts", "device", "seq") if name in names]
    columns = [_whole(rows.column(name)).cast(schema.field(name).type) for name in names]
    return pa.table(columns, schema=schema).sort_by([(name, "ascending") for name in keys]).combine_chunks()


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _sql(name: str, kind: pa.DataType) -> str:
    if kind == TIME_MS:
        return f"toUnixTimestamp64Milli({name})"
    if pa.types.is_timestamp(kind):
        return f"toUnixTimestamp({name})"
    return f"toString({name})" if pa.types.is_string(kind) else name
