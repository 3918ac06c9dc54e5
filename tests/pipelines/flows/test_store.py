"""Flow `store` against real servers: what came is in the tables, what could not be read is in the dead letters."""

import signal
import time

import msgspec
import pytest

from infra.dead_letters import read_dead_letters
from schemas.topics import DEVICE_EVENTS
from tests.pipelines.flows.stage import FlowProcess, Stage, heart_rate, new_session, now_ms, power, started
from tests.running import wait_until

pytestmark = pytest.mark.servers


def test_what_was_measured_and_done_is_in_the_tables(stage: Stage, store: FlowProcess) -> None:
    begin = now_ms() // 1_000 * 1_000 - 60_000
    session = stage.open_session(new_session([1, 2], begin))
    sid = session.session_id
    stage.tell(started(session))
    beats = [heart_rate(sid, 1, begin + s * 1_000, 120 + s, rr_ms=(500, 510)) for s in range(30)]
    same_second = [heart_rate(sid, 1, begin + 29_500, 170), heart_rate(sid, 1, begin + 29_200, 99)]
    stage.send([*beats, *same_second, *(power(sid, 1, begin + s * 1_000, 200 + s) for s in range(30))])
    wait_until(lambda: stage.count("v_telemetry_raw", sid) == 122 and stage.count("v_app_events", sid) == 1, "122 rows")

    by_metric = dict(
        stage.rows(
            "SELECT metric, (count(), sum(value)) FROM v_telemetry_raw WHERE session_id = {s:UUID} GROUP BY metric", s=sid
        )
    )
    assert by_metric["heart_rate_bpm"] == (32, sum(range(120, 150)) + 170 + 99)
    assert by_metric["rr_ms"] == (60, 30 * 1_010)
    seconds = stage.rows(
        "SELECT toUnixTimestamp(ts), heart_rate_bpm, power_watts, class_id FROM v_telemetry_1s"
        " WHERE session_id = {s:UUID} ORDER BY ts",
        s=sid,
    )
    assert seconds[0] == (begin // 1_000, 120, 200, 7)
    assert seconds[29] == (begin // 1_000 + 29, 170, 229, 7), "the latest value of a second wins, strap and meter are one row"
    ((kind, body),) = stage.rows("SELECT type, body FROM v_app_events WHERE session_id = {s:UUID}", s=sid)
    assert kind == "session_started"
    assert msgspec.json.decode(body)["event_id"] == f"started-{sid}"


def test_poison_becomes_dead_letters_and_the_rest_is_kept(stage: Stage, store: FlowProcess) -> None:
    begin = now_ms() - 60_000
    session = stage.open_session(new_session([3], begin))
    sid, key = session.session_id, session.session_id.encode()
    nobody = "11111111-2222-4333-8444-555555555555"
    poison = {
        b"\xff\xfe not json": "not_json",
        b'{"type":"heart_rate","event_id":"too-fast-1"}': "invalid_event",
        msgspec.json.encode(heart_rate(sid, 3, begin, 300)): "invalid_event",
        msgspec.json.encode(heart_rate(nobody, 3, begin, 100)): "unknown_session",
        msgspec.json.encode(heart_rate(sid, 3, begin, 100)).replace(b'"heart_rate"', b'"aura"', 1): "unknown_type",
    }
    places = {}
    for at, payload in enumerate(poison):
        stage.send(heart_rate(sid, 3, begin + (20 * at + i) * 100, 100 + at) for i in range(20))
        places[payload] = stage.send_raw(DEVICE_EVENTS, payload, key)

    wait_until(lambda: stage.count("v_telemetry_raw", sid) == 100, "every good event is kept")
    wait_until(lambda: len(letters(stage, places.values())) == 5, "five dead letters")
    for payload, letter in letters(stage, places.values()).items():
        assert letter.rejected.place == places[payload]
        assert letter.rejected.reason == poison[payload]
        assert letter.rejected.detail
        assert (letter.rejected.topic, letter.rejected.key) == (DEVICE_EVENTS.name, key)


def letters(stage: Stage, places: object) -> dict:
    return {
        letter.rejected.payload: letter
        for letter in read_dead_letters(stage.settings).values()
        if letter.rejected.place in set(places)
    }


def test_a_graceful_stop_is_quick_and_the_next_start_repeats_nothing(stage: Stage, store: FlowProcess) -> None:
    begin = now_ms() - 60_000
    session = stage.open_session(new_session([4], begin))
    before = store.metric("paceline_flow_events_total", exit="kept")
    stage.send(heart_rate(session.session_id, 4, begin + s * 100, 100) for s in range(200))
    wait_until(lambda: store.metric("paceline_flow_events_total", exit="kept") == before + 200, "taken in")
    code, seconds = store.end(signal.SIGTERM)
    assert code == 0, store.log[-3_000:]
    assert seconds < 4, "half a second and one last insert on a quiet machine"
    assert stage.count("v_telemetry_raw", session.session_id) == 200, "all rows are stored before it ends"
    stage.send(heart_rate(session.session_id, 4, begin + (200 + s) * 100, 100) for s in range(50))
    store.start().wait_ready()
    wait_until(lambda: stage.count("v_telemetry_raw", session.session_id) == 250, "resumed")
    time.sleep(0.2)
    assert store.metric("paceline_flow_events_total", exit="kept") == 50, "only what is new was read again"
