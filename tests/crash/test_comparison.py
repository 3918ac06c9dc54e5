"""The harness would notice: one row, one value, one alert, one cell of the page that is not as it should be."""

import pyarrow as pa
import pytest
from msgspec.structs import replace

from pipelines.arrow_schemas import SCHEMAS
from pipelines.steps.results import MemberMinute
from schemas.directory import Limits
from schemas.tables import MEMBER_MINUTES, TELEMETRY_1S, TELEMETRY_RAW, Table
from tests.crash.answers import COMPARED, alert_differences, picture_differences, row_differences
from tests.crash.hub import Sheet
from tests.crash.measuring import KINDS, make_body
from tests.crash.reference import Expected, Undisturbed
from tests.crash.watcher import Picture
from tests.pipelines.steps.people import SESSION, STARTED_MS, member, session

SECONDS = 90
WHOLE = 20.0
assert MemberMinute.__dataclass_fields__.keys() >= set(COMPARED[MEMBER_MINUTES])


@pytest.fixture(scope="module")
def expected() -> Expected:
    """A class of two, one of whom goes too high for a while."""
    record = session([member(n, limits=Limits(heart_rate_high_bpm=180)) for n in (1, 2)])
    bodies = {n: make_body(1, n, n, KINDS) for n in (1, 2)}
    sheet = Sheet(SESSION, STARTED_MS, named=True, present={1, 2})
    for second in range(SECONDS):
        sheet.high = {1} if 20 <= second < 50 else set()
        sheet.next(STARTED_MS // 1_000 + 1 + second)
    over = replace(record, state="completed", ended_at_ms=STARTED_MS + (SECONDS + 2) * 1_000)
    return Undisturbed([record, over], [], sheet.ticks, bodies).answers()


def stored_alerts(expected: Expected) -> dict[str, dict]:
    """As the view shows them."""
    return {
        alert.alert_id: {
            "alert_id": alert.alert_id,
            "member_id": alert.member_id or 0,
            "rule": alert.rule,
            "state": alert.state,
            "severity": alert.alert.severity,
            "message": alert.alert.message,
            "current": alert.alert.current,
            "threshold": alert.alert.threshold,
            "acknowledged_by": "",
            "raised_at_ms": alert.raised_at_ms,
            "cleared_at_ms": alert.cleared_at_ms,
            "acknowledged_at_ms": None,
        }
        for alert in expected.alerts.values()
    }


def test_a_class_to_which_nobody_comes_is_told_of_after_ten_minutes_in_the_reference_too() -> None:
    record = session([member(n) for n in range(1, 6)])
    lengths_s = {590: [], 610: [f"{SESSION}:0:att:600"]}
    for length_s, raised in lengths_s.items():
        over = replace(record, state="completed", ended_at_ms=STARTED_MS + length_s * 1_000)
        assert list(Undisturbed([record, over], [], [], {}).answers().alerts) == raised


def test_the_reference_is_a_class_with_everything_in_it(expected: Expected) -> None:
    assert expected.rows[TELEMETRY_1S].num_rows == 2 * SECONDS
    assert expected.rows[TELEMETRY_RAW].num_rows > 2 * SECONDS * len(KINDS)
    assert expected.rows[MEMBER_MINUTES].num_rows == 2 * 2
    assert [(alert.rule, alert.state) for alert in expected.alerts.values()] == [("heart_rate_high", "cleared")]


@pytest.mark.parametrize("table", [TELEMETRY_RAW, TELEMETRY_1S, MEMBER_MINUTES])
def test_a_row_lost_doubled_or_changed_is_noticed(expected: Expected, table: Table) -> None:
    rows = expected.rows[table].select(COMPARED[table])
    assert row_differences(table, expected.rows[table], rows) == []
    assert row_differences(table, expected.rows[table], rows.slice(1)) != []
    assert row_differences(table, expected.rows[table], pa.concat_tables([rows, rows.slice(1, 1)])) != []
    assert row_differences(table, expected.rows[table], rows.slice(0, 0)) != []
    assert row_differences(table, None, rows) != []
    number = "value" if table is TELEMETRY_RAW else "heart_rate_bpm" if table is TELEMETRY_1S else "trimp"
    values = rows.column(number).to_pylist()
    values[1] += 1
    changed = rows.set_column(rows.column_names.index(number), number, pa.array(values, SCHEMAS[table].field(number).type))
    assert row_differences(table, expected.rows[table], changed) != []


def test_an_alert_lost_invented_changed_or_never_over_is_noticed(expected: Expected) -> None:
    stored = stored_alerts(expected)
    [alert_id] = stored
    assert alert_differences(expected.alerts, stored, WHOLE) == []
    [missing] = alert_differences(expected.alerts, {}, WHOLE)
    assert missing.startswith(f"alert {alert_id} is missing")
    assert alert_differences({}, stored, WHOLE) != []
    for name, value in (("state", "active"), ("raised_at_ms", 1), ("cleared_at_ms", 1), ("acknowledged_by", "Tess")):
        assert alert_differences(expected.alerts, {alert_id: stored[alert_id] | {name: value}}, WHOLE) != [], name


def test_an_alert_of_the_clock_may_be_missing_only_if_it_was_over_before_the_house_could_look(expected: Expected) -> None:
    [alert] = expected.alerts.values()
    for rule, lasts_s, wait_s, missing in (
        ("low_attendance", 2, 0.5, 0),
        ("low_attendance", 4, 0.5, 1),
        ("low_attendance", 19, 20, 0),
        ("low_attendance", 21, 20, 1),
        ("heart_rate_high", 2, 20, 1),
    ):
        brief = replace(alert, rule=rule, cleared_at_ms=alert.raised_at_ms + lasts_s * 1_000)
        assert len(alert_differences({alert.alert_id: brief}, {}, wait_s)) == missing, (rule, lasts_s, wait_s)
    endless = replace(alert, rule="low_attendance", cleared_at_ms=None)
    assert len(alert_differences({alert.alert_id: endless}, {}, WHOLE)) == 1


def test_a_cell_of_the_last_picture_that_is_not_right_is_noticed(expected: Expected) -> None:
    live = expected.live
    shown = {name: list(values) for name, values in live.columns.items()}
    assert picture_differences(expected, Picture(1, "completed", list(live.members), shown)) == []
    assert picture_differences(expected, Picture(1, "active", list(live.members), shown)) != []
    assert picture_differences(expected, Picture(1, "completed", list(live.members[1:]), shown)) != []
    shown["heart_rate_avg_bpm"][0] += 1
    assert picture_differences(expected, Picture(1, "completed", list(live.members), shown)) != []
