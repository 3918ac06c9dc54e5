"""What an operator sees of the flows: a second copy refused, a new log told from an old one, dead letters sent again."""

import signal
from dataclasses import replace
from threading import Event

import msgspec
import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.dead_letters import read_dead_letters
from infra.errors import PacelineError
from infra.settings import Settings, child_environment
from pipelines.connectors.group_source import GroupSource
from pipelines.flow_run import FlowRun
from pipelines.run import recovery_folder
from schemas.topics import DEVICE_EVENTS
from tests.conftest import FakeClock
from tests.pipelines.flows.stage import FlowProcess, Stage, heart_rate, new_session, newest, now_ms
from tests.running import wait_until

pytestmark = pytest.mark.servers


def test_a_second_copy_of_a_flow_is_refused(flow_settings: Settings, store: FlowProcess) -> None:
    copy = FlowProcess(flow_settings, "store").start()
    assert copy.process is not None
    assert copy.process.wait(20) == 1
    assert "is running already" in copy.log


def test_live_stops_quickly_and_goes_on_where_it_was(stage: Stage, live: FlowProcess) -> None:
    session = stage.open_session(new_session([41], now_ms() - 10_000))
    stage.send([heart_rate(session.session_id, 41, now_ms(), 100)])
    wait_until(lambda: newest(stage, session.session_id).get(41, {}).get("heart_rate_bpm") == 100, "taken in")
    code, seconds = live.end(signal.SIGTERM)
    assert code == 0, live.log[-3_000:]
    assert seconds < 10, "the supervisor would kill it"
    live.start().wait_ready()
    stage.send([heart_rate(session.session_id, 41, now_ms(), 101)])
    wait_until(lambda: live.metric("paceline_flow_events_total", exit="kept") == 1, "only the new event")


def test_the_memory_of_another_log_is_refused(servers: Settings, clock: FakeClock) -> None:
    run = FlowRun(servers, "store", group=0, groups=8, stop=Event(), clock=clock)
    assert run.log_id in recovery_folder(run).parts, "every log has its own memories"
    source: GroupSource = run.source()
    with pytest.raises(PacelineError, match="it is another log"):
        source.build_part("events", run.name, {(DEVICE_EVENTS.name, 0): 10_000_000})
    part = replace(source, name="fresh").build_part("events", "fresh", None)
    assert part.snapshot()[DEVICE_EVENTS.name, 0] == 0, "without a memory it begins at the first message"
    part.close()


def test_dead_letters_are_listed_shown_and_sent_again(
    stage: Stage, store: FlowProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session([42], now_ms() - 60_000)  # not in the directory yet
    event = heart_rate(session.session_id, 42, now_ms(), 111)
    place = stage.send_raw(DEVICE_EVENTS, msgspec.json.encode(event), session.session_id.encode())

    def letter_id() -> str:
        return next((k for k, v in read_dead_letters(stage.settings).items() if v.rejected.place == place), "")

    wait_until(letter_id, "a dead letter")
    letter = letter_id()
    for name, value in child_environment(stage.settings).items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(build(), ["dead-letters", "show", letter])
    assert "unknown_session" in shown.output
    assert event.event_id in shown.output
    stage.open_session(session)
    sent = CliRunner().invoke(build(), ["dead-letters", "retry", letter])
    assert sent.exit_code == 0, sent.output
    wait_until(lambda: stage.count("v_telemetry_raw", session.session_id) == 1, "kept this time")
    listed = CliRunner().invoke(build(), ["dead-letters", "list"])
    (line,) = [line for line in listed.output.splitlines() if letter in line]
    assert "retried" in line
