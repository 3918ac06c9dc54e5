"""Flows that are killed while events stream in come to the same results as undisturbed ones."""

import os
import signal
import threading
import time
from contextlib import ExitStack

import pytest

from infra.migrate import migrate_warehouse
from infra.settings import Settings
from schemas.topics import ALERTS
from tests.pipelines.flows.stage import (
    FlowProcess,
    Stage,
    WarehouseProcess,
    ended,
    flow,
    heart_rate,
    new_session,
    now_ms,
    power,
    started,
)
from tests.running import answers, settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers
SECONDS = 240
MEMBERS = (21, 22)


def test_flows_killed_twice_answer_as_undisturbed_ones(stage: Stage, store: FlowProcess, live: FlowProcess) -> None:
    begin = now_ms() // 60_000 * 60_000 - SECONDS * 1_000
    disturbed = stage.open_session(new_session(MEMBERS, begin))
    calm = stage.open_session(new_session(MEMBERS, begin))
    stage.tell(started(disturbed), started(calm))
    streaming = threading.Thread(target=stream, args=(stage, disturbed.session_id, begin, 0.04))
    streaming.start()
    for _ in range(2):
        time.sleep(1.2)
        assert streaming.is_alive()
        for process in (store, live):
            process.end(signal.SIGKILL)
            process.start()
        for process in (store, live):
            process.wait_ready()
    streaming.join()
    stream(stage, calm.session_id, begin, 0)
    for session in (disturbed, calm):
        stage.tell(ended(session, begin + SECONDS * 1_000))
    for session in (disturbed, calm):
        sid = session.session_id
        wait_until(lambda sid=sid: stage.count("v_class_summaries", sid) == 1, "a summary")
        wait_until(lambda sid=sid: stage.count("v_telemetry_raw", sid) == SECONDS * 4, "every value")
        wait_until(lambda sid=sid: stage.count("v_member_minutes", sid) == SECONDS // 30, "every minute")

    for view, leaving_out in {
        "v_telemetry_raw": "session_id",
        "v_telemetry_1s": "session_id",
        "v_member_minutes": "session_id, version",
        "v_member_summaries": "session_id, alerts",
        "v_class_summaries": "session_id, alerts, summary",
    }.items():
        rows = [
            stage.rows(
                f"SELECT * EXCEPT ({leaving_out}) FROM {view} WHERE session_id = {{s:UUID}} ORDER BY ALL", s=s.session_id
            )
            for s in (disturbed, calm)
        ]
        assert rows[0] == rows[1], view

    told = [told_alerts(stage, session.session_id) for session in (disturbed, calm)]
    assert told[0] == told[1]
    assert [state for state, _raised, _cleared in told[0].values()] == ["cleared", "cleared"]


def stream(stage: Stage, session_id: str, begin: int, pause_s: float) -> None:
    """Four values a second of event time; each member is too high for a while."""
    for s in range(SECONDS):
        at = begin + s * 1_000
        for member in MEMBERS:
            bpm = 190 if 60 <= s - (member - 21) * 60 < 120 else 130 + s % 7
            stage.send([heart_rate(session_id, member, at, bpm), power(session_id, member, at + 300, 200 + s)])
        time.sleep(pause_s)


def told_alerts(stage: Stage, session_id: str) -> dict[str, tuple]:
    """How every alert about heart rate ended; how often it was repeated meanwhile depends on the time of day."""
    states = [alert for alert in stage.messages(ALERTS, session_id) if alert["rule"] == "heart_rate_high"]
    told = [(alert["alert_id"], alert["version"]) for alert in states]
    assert len(set(told)) == len(told), "no state of an alert is told twice"
    newest = {alert["alert_id"]: alert for alert in sorted(states, key=lambda alert: alert["version"])}
    return {
        alert_id.replace(session_id, ""): (alert["state"], alert["raised_at_ms"], alert.get("cleared_at_ms"))
        for alert_id, alert in newest.items()
    }


def test_a_warehouse_that_dies_holds_the_flow_back_and_loses_nothing(servers: Settings, stage: Stage) -> None:
    session = stage.open_session(new_session([31], now_ms() - 100_000))
    sid, begin = session.session_id, session.started_at_ms
    with temporary_home() as home, ExitStack() as held:
        settings = settings_in(home, kafka=servers.kafka_address, flow_epoch_s=0.5)
        warehouse = WarehouseProcess(settings).start()
        held.callback(warehouse.kill)
        migrate_warehouse(settings)
        there = Stage(settings)
        held.callback(there.close)
        store = held.enter_context(flow(settings, "store"))
        stage.send(heart_rate(sid, 31, begin + s * 100, 100) for s in range(200))
        wait_until(lambda: there.count("v_telemetry_raw", sid) == 200, "stored")
        warehouse.kill()
        stage.send(heart_rate(sid, 31, begin + s * 100, 110) for s in range(200, 500))
        wait_until(lambda: store.metric("paceline_store_retries_total") > 0, "insert tried in vain")
        assert not answers(f"{store.url}/ready")
        code, _seconds = store.end(signal.SIGTERM)
        assert code == os.EX_TEMPFAIL, "whoever started it shall do so again, however often"
        store.start()
        stage.send(heart_rate(sid, 31, begin + s * 100, 120) for s in range(500, 700))
        warehouse.start()
        wait_until(lambda: there.count("v_telemetry_raw", sid) == 700, "all of it is stored")
        wait_until(lambda: answers(f"{store.url}/ready"), "ready again")
