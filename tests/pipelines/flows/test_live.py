"""Flow `live` against real servers: events in, numbers on the topics and in the tables."""

import msgspec
import pytest

from infra.dead_letters import read_dead_letters
from schemas.synthetic import synthetic_round
from schemas.topics import ALERTS, DEVICE_EVENTS, LIVE
from tests.pipelines.flows.stage import (
    FlowProcess,
    Stage,
    ended,
    heart_rate,
    new_session,
    newest,
    now_ms,
    participant,
    power,
    started,
)
from tests.running import wait_until

pytestmark = pytest.mark.servers


def test_a_class_appears_on_the_topics_and_its_summary_in_the_tables(
    stage: Stage, store: FlowProcess, live: FlowProcess
) -> None:
    begin = now_ms() // 60_000 * 60_000 - 120_000
    session = stage.open_session(new_session([11, 12, 13], begin))
    sid = session.session_id
    stage.tell(started(session))
    for s in range(90):
        too_high = 190 if 20 <= s < 60 else 150
        stage.send(
            [
                heart_rate(sid, 11, begin + s * 1_000, 120),
                power(sid, 11, begin + s * 1_000, 200),
                heart_rate(sid, 12, begin + s * 1_000, too_high),
            ]
        )
    wait_until(lambda: (newest(stage, sid).get(11, {}).get("zone_s") or [0] * 6)[2] >= 88, "all of them are live")
    rows = newest(stage, sid)
    assert rows[11]["heart_rate_60s_bpm"] == pytest.approx(120)
    assert rows[11]["zone"] == 2
    assert rows[11]["zone_s"][2] == pytest.approx(89, abs=1)
    assert rows[11]["power_10s_watts"] == pytest.approx(200)
    assert rows[13]["state"] == "no_strap"

    wait_until(lambda: states(stage, sid) == [("heart_rate_high", "active"), ("heart_rate_high", "cleared")], "an alert")
    stage.tell(ended(session, begin + 100_000))
    wait_until(lambda: stage.count("v_class_summaries", sid) == 1, "the summary")
    ((expected, attended, alerts, revision),) = stage.rows(
        "SELECT expected, attended, alerts, revision FROM v_class_summaries WHERE session_id = {s:UUID}", s=sid
    )
    assert (expected, attended, alerts >= 1, revision) == (3, 2, True, 1)
    members = stage.rows(
        "SELECT member_id, heart_rate_avg_bpm, heart_rate_max_bpm, power_avg_watts, seconds_seen"
        " FROM v_member_summaries WHERE session_id = {s:UUID} AND attended ORDER BY member_id",
        s=sid,
    )
    assert members[0] == (11, 120.0, 120, 200.0, 90)
    assert members[1][:2] == (12, pytest.approx((50 * 150 + 40 * 190) / 90))
    wait_until(lambda: stage.count("v_member_minutes", sid) == 4, "two minutes of two members")
    wait_until(lambda: stage.count("v_alerts", sid) >= 1, "the alert in its table")


def test_who_is_not_on_the_roster_is_a_dead_letter_until_they_join(stage: Stage, live: FlowProcess) -> None:
    session = stage.open_session(new_session([14], now_ms() - 10_000))
    stranger = msgspec.json.encode(heart_rate(session.session_id, 999, now_ms(), 100))
    place = stage.send_raw(DEVICE_EVENTS, stranger, session.session_id.encode())
    wait_until(lambda: reasons(stage).get(place) == "unknown_member", "a letter")
    stage.open_session(msgspec.structs.replace(session, participants=(participant(14), participant(999))))
    stage.send([heart_rate(session.session_id, 999, now_ms(), 101)])
    wait_until(lambda: newest(stage, session.session_id).get(999, {}).get("heart_rate_bpm") == 101, "the joined member")


def test_events_that_come_late_correct_the_summary(stage: Stage, store: FlowProcess, live: FlowProcess) -> None:
    begin = now_ms() - 300_000
    session = stage.open_session(new_session([15, 16], begin))
    sid = session.session_id
    stage.tell(started(session))
    stage.send(heart_rate(sid, 15, begin + s * 1_000, 120) for s in range(200))
    stage.send(heart_rate(sid, 16, begin + s * 1_000, 100) for s in range(100, 200))
    stage.tell(ended(session, begin + 201_000))
    wait_until(lambda: stage.count("v_class_summaries", sid) == 1, "the first summary")
    assert average(stage, sid, 16) == (100.0, 100, 1, "live")

    stage.send(heart_rate(sid, 16, begin + s * 1_000, 140) for s in range(100))
    wait_until(lambda: average(stage, sid, 16)[2] == 2, "a second revision")
    wait_until(lambda: stage.count("v_summary_corrections", sid) == 1, "the correction on record")
    assert average(stage, sid, 16) == (120.0, 200, 2, "telemetry_raw")
    assert average(stage, sid, 15) == (120.0, 200, 2, "telemetry_raw")
    ((revision, late_events, before, after),) = stage.rows(
        "SELECT revision, late_events, before, after FROM v_summary_corrections WHERE session_id = {s:UUID}", s=sid
    )
    assert (revision, late_events) == (2, 100)
    assert before != after
    assert live.metric("paceline_flow_events_total", exit="late") >= 100


def states(stage: Stage, session_id: str) -> list[tuple[str, str]]:
    return [
        (alert["rule"], alert["state"]) for alert in stage.messages(ALERTS, session_id) if alert["rule"] == "heart_rate_high"
    ]


def reasons(stage: Stage) -> dict[str, str]:
    return {letter.rejected.place: letter.rejected.reason for letter in read_dead_letters(stage.settings).values()}


def shown(stage: Stage, session_id: str) -> list[str]:
    """The synthetic values that came back, those of other senders too."""
    return [name for message in stage.messages(LIVE, session_id) for name in message["names"]]


def average(stage: Stage, session_id: str, member_id: int) -> tuple:
    (row,) = stage.rows(
        "SELECT heart_rate_avg_bpm, seconds_seen, revision, computed_from"
        " FROM v_member_summaries WHERE session_id = {s:UUID} AND member_id = {m:UInt64}",
        s=session_id,
        m=member_id,
    )
    return row


def test_a_synthetic_value_goes_through_beside_a_class_and_leaves_nothing(
    stage: Stage, store: FlowProcess, live: FlowProcess
) -> None:
    session = stage.open_session(new_session([17], now_ms() - 10_000))
    before = [len(reasons(stage)), live.metric(EXITS, exit="synthetic"), store.metric(EXITS, exit="synthetic")]
    sent = [msgspec.structs.replace(event, received_time_ms=now_ms()) for event in synthetic_round("cc", 1, now_ms())]
    stage.send([*sent, heart_rate(session.session_id, 17, now_ms(), 133)])
    for event in sent:
        sid = event.session_id or ""
        wait_until(lambda sid=sid, event=event: event.event_id in shown(stage, sid), "the picture")  # type: ignore[misc]  # bound at once
        assert shown(stage, sid).count(event.event_id) == 1
    wait_until(lambda: newest(stage, session.session_id).get(17, {}).get("heart_rate_bpm") == 133, "the member's value")
    wait_until(lambda: stage.count("v_telemetry_raw", session.session_id) == 1, "its row")
    wait_until(lambda: store.metric(EXITS, exit="synthetic") >= before[2] + len(sent), "all let go")
    assert live.metric(EXITS, exit="synthetic") >= before[1] + len(sent)
    for table in ("v_telemetry_raw", "v_telemetry_1s", "v_alerts", "v_member_minutes"):
        assert [stage.count(table, event.session_id or "") for event in sent] == [0] * len(sent)
    assert len(reasons(stage)) == before[0]


EXITS = "paceline_flow_events_total"
