"""The commands as a person runs them: own processes against a real gateway."""

import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.errors import PacelineError
from infra.settings import child_environment
from schemas.directory import MemberRecord, Participant
from schemas.topics import DEVICE_EVENTS
from tests.ingest.people import (
    HUB_TOKEN,
    MEMBER_TOKEN,
    OTHER_SESSION,
    RunningGateway,
    now_ms,
    publish,
    read_topic,
    session_record,
)
from tests.recordings import FLOORS, simulated_ride, write_fit
from tests.running import PLAIN, wait_until

pytestmark = pytest.mark.servers
CLASS_NAMED = "0b0e8a3c-0000-4000-8000-00000000c0de"
CLASS_BRIEF = "0b0e8a3c-0000-4000-8000-00000000b4ef"


def paceline(gateway: RunningGateway, *arguments: str, token: str = HUB_TOKEN) -> subprocess.Popen[str]:
    environment = child_environment(gateway.settings) | {"PACELINE_DEVICE_TOKEN": token, "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, "-m", "infra.cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_folder_is_replayed_into_a_class_and_a_bad_file_does_not_stop_the_rest(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    rides = {"a_first.fit": simulated_ride(40), "c_second.fit": simulated_ride(30, seed=9)}
    for name, ride in rides.items():
        write_fit(tmp_path / name, ride)
    damaged = bytearray((tmp_path / "a_first.fit").read_bytes())
    damaged[-1] ^= 0xFF
    (tmp_path / "b_broken.fit").write_bytes(damaged)
    riders = tuple(Participant(member_id=i, name=f"Rider {i}", heart_rate_zone_floors_bpm=FLOORS) for i in (21, 22))
    publish(gateway.settings, *(MemberRecord(member_id=rider.member_id) for rider in riders))
    publish(gateway.settings, session_record(session_id=CLASS_NAMED, class_id=77, class_name="Replayed", participants=riders))
    time.sleep(0.5)
    process = paceline(gateway, "replay", str(tmp_path), "--class", "replayed", "--speed", "20")
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 1, output
    assert "b_broken.fit" in output
    assert f"at byte {len(damaged)} of {len(damaged)}, after 40 records" in output
    assert "checksum" in output
    assert "120 accepted" in output
    assert "a_first.fit: moved as a whole (--shift), since its 0:00:39 fit into the class" in output
    messages = [m for m in read_topic(gateway.settings, DEVICE_EVENTS) if m["session_id"] == CLASS_NAMED]
    assert len(messages) == 210
    by_member = {m["member_id"]: [x for x in messages if x["member_id"] == m["member_id"]] for m in messages}
    assert sorted(len(events) for events in by_member.values()) == [90, 120], "each file has a member of its own"
    for events in by_member.values():
        assert max(m["event_time_ms"] for m in events) <= now_ms()


def test_a_ride_longer_than_the_class_has_run_counts_as_a_whole_unless_asked_otherwise(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    path = write_fit(tmp_path / "long.fit", simulated_ride(100))
    riders = tuple(Participant(member_id=i, name=f"Late {i}", heart_rate_zone_floors_bpm=FLOORS) for i in (23, 24))
    publish(gateway.settings, *(MemberRecord(member_id=rider.member_id) for rider in riders))
    began_ms = now_ms() - 20_000
    publish(
        gateway.settings,
        session_record(session_id=CLASS_BRIEF, class_id=79, class_name="Brief", started_at_ms=began_ms, participants=riders),
    )
    for member, wish, said in ((23, [], "squeezed into 0:00:02, since its 0:01:39 do not fit"), (24, ["--shift"], "")):
        process = paceline(gateway, "replay", str(path), "--class", "brief", "--speed", "50", "--member", str(member), *wish)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert said in output
        assert ("squeezed" in output) is not bool(wish)
    sent = [m for m in read_topic(gateway.settings, DEVICE_EVENTS) if m["session_id"] == CLASS_BRIEF]
    times = {member: [m["event_time_ms"] for m in sent if m["member_id"] == member] for member in (23, 24)}
    assert len(times[23]) == len(times[24]) == 300
    assert min(times[23]) >= began_ms
    assert max(times[24]) - min(times[24]) == 99_000, "--shift keeps the seconds"


def test_a_members_own_token_replays_without_naming_anybody_and_twice_counts_once(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    path = write_fit(tmp_path / "own.fit", simulated_ride(20), start_ms=(now_ms() // 1000 - 7200) * 1000)
    outputs = []
    for _ in range(2):
        process = paceline(gateway, "replay", str(path), "--original-time", "--speed", "0", token=MEMBER_TOKEN)
        outputs.append(process.communicate(timeout=60)[0])
        assert process.returncode == 0, outputs
    assert "60 accepted, 0 doubled" in outputs[0]
    assert "0 accepted, 60 doubled" in outputs[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "{file}", "--class", "zumba"], "No running class fits"),
        (["replay", "{file}"], "A hub's token sends for anybody"),
        (["replay", "{file}.missing", "--class", "spin"], "No such file"),
        (["replay", "{file}", "--member", "7", "--original-time"], "seconds are kept for 730 days"),
        (["simulate", "--class", "alone", "--members", "9"], "The class has 1 members, not 9"),
        (["simulate", "--class", "zumba"], "No running class fits"),
        (["simulate", "--class", "alone", "--scenario", "chaos"], "no scenario 'chaos'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_fails(
    gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    path = write_fit(tmp_path / "ride.fit", simulated_ride(5), start_ms=1_300_000_000_000)
    for name, value in child_environment(gateway.settings).items():
        if name.startswith("PACELINE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("PACELINE_DEVICE_TOKEN", HUB_TOKEN)
    result = CliRunner().invoke(build(), [argument.format(file=path) for argument in arguments])
    told = str(result.exception) if isinstance(result.exception, PacelineError) else result.output
    assert result.exit_code == 1
    assert said in " ".join(told.split())


def test_a_simulated_class_trains_its_strap_is_switched_off_and_sends_late(gateway: RunningGateway) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--class", "Alone", "--members", "1", "--seed", "4", "--no-faults", "--control-port", str(port)]
    process = paceline(gateway, "simulate", *arguments)
    page = f"http://127.0.0.1:{port}"
    try:
        before = _accepted(gateway)
        wait_until(lambda: _accepted(gateway) >= before + 3, "events of the class")
        assert httpx.post(f"{page}/straps/1", json={"online": False}).json()["online"] is False
        time.sleep(0.5)
        silent_at = _accepted(gateway)
        wait_until(lambda: httpx.get(f"{page}/straps", verify=PLAIN).json()["straps"][0]["waiting"] >= 3, "stored while off")
        assert _accepted(gateway) == silent_at
        httpx.post(f"{page}/straps/1", json={"online": True})
        wait_until(lambda: _accepted(gateway) >= silent_at + 3, "late upload")
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert "1 simulated members train in “Alone”" in output
    times = [m["event_time_ms"] for m in _messages(gateway) if m["type"] == "heart_rate"]
    assert times == sorted(times), "what was stored came in its order"
    assert {b - a for a, b in pairwise(times)} == {1_000}, "nothing is missing"


def _messages(gateway: RunningGateway) -> list[dict[str, object]]:
    found = read_topic(gateway.settings, DEVICE_EVENTS)
    return [m for m in found if m["session_id"] == OTHER_SESSION and str(m["event_id"]).startswith("sim-")]


def _accepted(gateway: RunningGateway) -> float:
    return gateway.counted("events_accepted", door="gateway")


def test_the_gateway_stops_at_once_when_it_is_told_to(gateway: RunningGateway) -> None:
    """In a second process beside the shared one, with a stream open."""
    from websockets.sync.client import connect

    from tests.running import answers, free_ports

    [port] = free_ports(1)
    settings = gateway.settings.model_copy(update={"gateway_port": port})
    second = subprocess.Popen([sys.executable, "-m", "infra.cli", "gateway"], env=child_environment(settings))
    try:
        wait_until(lambda: answers(f"{settings.gateway_url}/ready"), "second gateway")
        address = settings.gateway_url.replace("http", "ws") + "/v1/stream"
        with connect(address, additional_headers={"Authorization": f"Bearer {HUB_TOKEN}"}, proxy=None) as hub:
            hub.recv()
            started = time.monotonic()
            os.kill(second.pid, signal.SIGTERM)
            second.wait(15)
            assert time.monotonic() - started < 6
    finally:
        second.kill()
        second.wait()
    assert second.returncode in {0, -signal.SIGTERM}
    assert gateway.client.get("/health").status_code == 200
