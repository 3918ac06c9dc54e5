"""States of alerts are told once, also when an epoch is repeated and comes out a little differently."""

from msgspec.structs import replace

from pipelines.known_alerts import KnownAlerts
from schemas.alerts import Alert, AlertBody


def alert(version: int, state: str, repeated: int = 0) -> Alert:
    return Alert(
        alert_id="s:1:heart_rate_high:100",
        version=version,
        session_id="11111111-2222-4333-8444-555555555555",
        class_id=1,
        member_id=1,
        member_name="Ada",
        rule="heart_rate_high",
        state="cleared" if state == "cleared" else "active",
        timestamp="2026-01-01T00:00:00Z",
        raised_at_ms=100_000,
        updated_at_ms=100_000 + version,
        repeated=repeated,
        alert=AlertBody(severity="warning", message="", metric="heart_rate_bpm", current=190, threshold=180),
    )


def test_what_is_published_is_not_news_and_what_is_not_is() -> None:
    raised, cleared = alert(1, "active"), alert(2, "cleared")
    known = KnownAlerts([raised])
    assert known.judge(raised) == (raised, False)
    assert known.judge(cleared) == (cleared, True)
    assert known.judge(cleared) == (cleared, False)


def test_a_state_that_came_out_otherwise_gets_the_next_version_and_so_do_its_successors() -> None:
    raised, repeated = alert(1, "active"), alert(2, "active", repeated=1)
    known = KnownAlerts([raised, repeated])
    cleared = alert(2, "cleared")
    assert known.judge(raised) == (raised, False)
    assert known.judge(cleared) == (replace(cleared, version=3), True)
    acknowledged = alert(3, "cleared", repeated=5)
    assert known.judge(acknowledged) == (replace(acknowledged, version=4), True)


def test_raised_versions_stay_raised_after_another_start() -> None:
    known = KnownAlerts([alert(1, "active"), alert(2, "active", repeated=1)])
    known.judge(alert(2, "cleared"))
    later = KnownAlerts([], known.shifts)
    assert later.judge(alert(3, "cleared", repeated=9))[0].version == 4
