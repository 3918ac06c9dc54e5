"""Flows go on past messages that are none of ours, wherever they lie; what was meant for a flow has its exit."""

import signal

import pytest

from infra.dead_letters import read_dead_letters
from schemas.topics import ALERTS, APP_EVENTS, DEVICE_EVENTS, LIVE, TOPICS
from tests.hostile import SESSION, payloads
from tests.pipelines.flows.stage import FlowProcess, Stage, ended, heart_rate, new_session, newest, now_ms, started
from tests.running import wait_until

pytestmark = pytest.mark.servers


def test_no_message_on_any_topic_stops_a_flow_neither_running_nor_at_its_start(
    stage: Stage, store: FlowProcess, live: FlowProcess
) -> None:
    session = stage.open_session(new_session([71], now_ms() - 60_000))
    sid, begin = session.session_id, session.started_at_ms
    stage.tell(started(session))
    places = [
        stage.send_raw(topic, value, SESSION.encode())
        for topic in TOPICS
        for value in payloads(topic).values()
        if topic is not LIVE  # nobody but the API reads it
    ]
    stage.send([heart_rate(sid, 71, begin + 1_000, 100)])
    wait_until(lambda: newest(stage, sid).get(71, {}).get("heart_rate_bpm") == 100, "flow live goes on")
    wait_until(lambda: stage.count("v_telemetry_1s", sid) == 1, "flow store goes on")
    meant = {place for place in places if place.split(":")[0] in {DEVICE_EVENTS.name, APP_EVENTS.name}}
    wait_until(lambda: meant <= stages_of_letters(stage, {"flow-live", "flow-store"}), "each is a letter of both flows")

    live.end(signal.SIGKILL)
    live.start().wait_ready()
    stage.send([heart_rate(sid, 71, begin + 2_000, 101)])
    wait_until(lambda: newest(stage, sid).get(71, {}).get("heart_rate_bpm") == 101, "flow live starts over foreign alerts")
    assert live.metric("paceline_messages_unreadable_total", topic="alerts") == len(payloads(ALERTS))
    stage.tell(ended(session, begin + 60_000))
    wait_until(lambda: stage.count("v_class_summaries", sid) == 1, "the summary")


def stages_of_letters(stage: Stage, wanted: set[str]) -> set[str]:
    letters = read_dead_letters(stage.settings).values()
    return {letter.rejected.place for letter in letters if wanted <= set(letter.stages)}
