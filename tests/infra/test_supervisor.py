"""The supervisor with children that are small programs: order, restarts, stops, and what it refuses."""

import dataclasses
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from infra import operate
from infra.embedded.launch import Launch
from infra.errors import PacelineError, Unavailable
from infra.settings import Settings
from infra.supervisor import Child, ChildState, Patience, Port, Stage, Supervisor
from infra.supervisor.log_file import LogFile
from infra.supervisor.run_folder import ProcessRecord, RunFolder
from tests.running import free_ports, settings_in, temporary_home, wait_until

QUICK = Patience(first_pause_s=0.05, longest_pause_s=0.4, steady_after_s=60, spread=0, starts_before_giving_up=3)
STAY = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


@pytest.fixture
def settings() -> Iterator[Settings]:
    with temporary_home() as home:
        yield settings_in(home)


def program(name: str, code: str, ready: Callable[[], bool] = lambda: True, **more: object) -> Child:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}
    return Child(name, lambda: Launch([sys.executable, "-c", code], environment, Path("/")), ready, **more)  # type: ignore[arg-type]


class Diary:
    """Every change of every child, in order."""

    def __init__(self) -> None:
        self.states: list[ChildState] = []
        self.times_s: list[float] = []

    def __call__(self, state: ChildState) -> None:
        self.states.append(state)
        self.times_s.append(time.monotonic())

    def names_that_became(self, state: str) -> list[str]:
        return [seen.name for seen in self.states if seen.state == state]


def supervise(settings: Settings, *stages: Stage, diary: Diary | None = None) -> Supervisor:
    return Supervisor(settings, stages, listener=diary or Diary(), patience=QUICK, chance=random.Random(1))


def test_a_stage_starts_when_the_one_before_is_ready_and_its_step_is_done(settings: Settings) -> None:
    diary, happened = Diary(), list[str]()
    first = Stage((program("server", STAY),), then=lambda: happened.extend(diary.names_that_became("starting")))
    with supervise(settings, first, Stage((program("ours", STAY),)), diary=diary) as supervisor:
        supervisor.wait_ready(20)
    assert happened == ["server"]
    assert diary.names_that_became("ready") == ["server", "ours"]


def test_children_stop_in_reverse_order_of_stages(settings: Settings) -> None:
    diary = Diary()
    stages = [Stage((program(name, STAY),)) for name in ("first", "second", "third")]
    with supervise(settings, *stages, diary=diary) as supervisor:
        supervisor.wait_ready(20)
    assert diary.names_that_became("stopped") == ["third", "second", "first"]


def test_a_child_that_ends_is_started_again_after_growing_pauses(settings: Settings) -> None:
    diary = Diary()
    with supervise(settings, Stage((program("faller", "import time; time.sleep(0.05)"),)), diary=diary):
        wait_until(lambda: len(diary.names_that_became("restarting")) >= 4, "four restarts")
    fell = [t for state, t in zip(diary.states, diary.times_s, strict=True) if state.state == "restarting"]
    rose = [t for state, t in zip(diary.states, diary.times_s, strict=True) if state.state == "starting"][1:]
    pauses = [later - earlier for earlier, later in zip(fell, rose, strict=False)]
    assert pauses[0] >= 0.05
    assert pauses[1] >= 0.1
    assert pauses[2] >= 0.2
    assert {state.why for state in diary.states if state.state == "restarting"} == {"ended with exit code 0"}


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    patience, chance = Patience(), random.Random(3)
    pauses = [[patience.pause_s(failures, chance) for _ in range(200)] for failures in (1, 3, 50)]
    assert all(max(p) / min(p) > 1.5 for p in pauses)
    assert all(0.375 <= p <= 0.625 for p in pauses[0])
    assert all(22.5 <= p <= 37.5 for p in pauses[2])


def test_a_killed_child_is_ready_again_and_counted(settings: Settings) -> None:
    with supervise(settings, Stage((program("victim", STAY),))) as supervisor:
        supervisor.wait_ready(20)
        os.kill(supervisor.states[0].pid or 0, signal.SIGKILL)
        wait_until(lambda: supervisor.states[0].starts == 2 and supervisor.states[0].state == "ready", "second start ready")


def test_a_child_that_stands_still_without_ending_is_started_again(settings: Settings) -> None:
    diary, dumb = Diary(), threading.Event()
    child = program("sitter", STAY, alive=lambda: not dumb.is_set())
    patience = dataclasses.replace(QUICK, look_every_s=0.02, silent_looks=3)
    with Supervisor(settings, [Stage((child,))], listener=diary, patience=patience) as supervisor:
        supervisor.wait_ready(20)
        first = supervisor.states[0].pid or 0
        dumb.set()
        wait_until(lambda: "restarting" in [state.state for state in diary.states], "taken for standing still")
        dumb.clear()
        wait_until(lambda: supervisor.states[0].state == "ready", "ready again")
        assert not psutil.pid_exists(first)
    why = next(state.why for state in diary.states if state.state == "restarting")
    assert why == "stood still: 3 times in a row it did not answer"


def test_a_listener_whose_terminal_has_gone_stops_nothing(settings: Settings) -> None:
    def shout(_state: ChildState) -> None:
        raise BrokenPipeError

    with Supervisor(settings, [Stage((program("quiet", STAY),))], listener=shout, patience=QUICK) as supervisor:
        supervisor.wait_ready(20)
        pid = supervisor.states[0].pid or 0
        assert psutil.pid_exists(pid)
    assert supervisor.states[0].state == "stopped"
    assert not psutil.pid_exists(pid)


def test_what_children_and_supervisor_write_is_closed_to_other_users(settings: Settings) -> None:
    home = settings.home / "fresh"
    (home / "flows").mkdir(parents=True, mode=0o755)
    writes = f"import pathlib, time; pathlib.Path({str(home)!r}, 'note').write_text('x'); {STAY}"
    with supervise(settings.model_copy(update={"home": home}), Stage((program("writer", writes),))) as supervisor:
        supervisor.wait_ready(20)
        wait_until((home / "note").exists, "note")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert modes["note"] == 0o600
    assert modes["logs"] == modes["flows"] == 0o700
    assert modes["run"] & 0o066 == 0, "nobody may look; under root PostgreSQL's user may walk through"


def test_a_child_that_never_gets_ready_ends_the_start_with_its_last_words(settings: Settings) -> None:
    child = program("mute", "print('the disk is full'); raise SystemExit(7)", ready=lambda: False)
    with supervise(settings, Stage((child,))) as supervisor, pytest.raises(PacelineError) as failed:
        supervisor.wait_ready(20)
    assert "mute does not start: ended with exit code 7" in failed.value.problem
    assert "the disk is full" in failed.value.problem


def test_a_child_that_says_what_it_needs_is_away_is_started_until_it_is_back(settings: Settings) -> None:
    needed = settings.home / "needed"
    code = f"import os, time\nif not os.path.exists({str(needed)!r}): raise SystemExit(os.EX_TEMPFAIL)\n{STAY}"
    with supervise(settings, Stage((program("patient", code, ready=needed.exists),))) as supervisor:
        wait_until(lambda: [s.starts > 2 * QUICK.starts_before_giving_up for s in supervisor.states] == [True], "many starts")
        needed.touch()
        supervisor.wait_ready(20)


def test_a_preparation_that_fails_for_people_is_told_at_once(settings: Settings) -> None:
    def refuse() -> None:
        raise PacelineError("the jars are not the pinned ones")

    with supervise(settings, Stage((program("kafka", STAY, prepare=refuse),))) as supervisor:
        with pytest.raises(PacelineError, match="not the pinned ones"):
            supervisor.wait_ready(20)
        assert supervisor.states[0].starts == 0


def test_a_step_between_stages_that_fails_keeps_the_next_from_starting(settings: Settings) -> None:
    def fail() -> None:
        raise ValueError("no such table")

    stages = [Stage((program("server", STAY),), then=fail, then_name="The migration"), Stage((program("ours", STAY),))]
    with supervise(settings, *stages) as supervisor:
        with pytest.raises(PacelineError, match=r"The migration failed.*no such table"):
            supervisor.wait_ready(20)
        assert supervisor.states[1].state == "waiting"


def test_a_step_that_failed_because_its_server_died_is_repeated_when_the_server_is_back(settings: Settings) -> None:
    tries: list[int] = []

    def migrate() -> None:
        tries.append(supervisor.states[0].pid or 0)
        if len(tries) == 1:
            os.kill(tries[0], signal.SIGKILL)
            raise Unavailable("PostgreSQL does not answer")

    stages = [Stage((program("server", STAY),), then=migrate, then_name="The migration"), Stage((program("ours", STAY),))]
    with supervise(settings, *stages) as supervisor:
        supervisor.wait_ready(60)
        assert [state.starts for state in supervisor.states] == [2, 1]
    assert len(set(tries)) == 2


def test_a_step_that_finds_its_server_alive_but_silent_is_not_repeated(settings: Settings) -> None:
    def migrate() -> None:
        raise Unavailable("PostgreSQL does not answer")

    with (
        supervise(settings, Stage((program("server", STAY),), then=migrate, then_name="The migration")) as supervisor,
        pytest.raises(Unavailable, match="does not answer"),
    ):
        supervisor.wait_ready(20)


def test_a_child_deaf_to_its_signal_is_killed_after_its_time(settings: Settings) -> None:
    child = program("deaf", STUBBORN, ready=lambda: "deaf" in words.last_words(), stop_timeout_s=0.5)
    words = LogFile(settings.home / "logs", "deaf")
    with supervise(settings, Stage((child,))) as supervisor:
        supervisor.wait_ready(20)
        process = psutil.Process(supervisor.states[0].pid or 0)
        began = time.monotonic()
    assert 0.5 <= time.monotonic() - began < 5
    assert not process.is_running()
    assert "killed" in supervisor.states[0].why


def test_children_have_default_signals_and_a_session_of_their_own(settings: Settings) -> None:
    code = "import os, signal; print(signal.getsignal(signal.SIGINT).__name__, os.getsid(0) == os.getpid(), flush=True);" + STAY
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with supervise(settings, Stage((program("child", code),))) as supervisor:
            supervisor.wait_ready(20)
            log = LogFile(settings.home / "logs", "child")
            wait_until(lambda: "True" in log.last_words(), "the child spoke")
            assert log.last_words() == "default_int_handler True"
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_supervisor_is_refused_and_told_who_runs(settings: Settings) -> None:
    with supervise(settings, Stage((program("only", STAY),))) as supervisor:
        with pytest.raises(PacelineError, match=rf"already runs on .* \(process {os.getpid()}\)"):
            supervise(settings, Stage((program("other", STAY),))).start()
        supervisor.wait_ready(20)
        with pytest.raises(PacelineError, match="already runs"):
            operate.reset(settings)


def test_taken_ports_are_all_named_with_setting_and_holder(settings: Settings) -> None:
    taken = [socket.create_server(("127.0.0.1", port)) for port in free_ports(2)]
    ports = tuple(Port(held.getsockname()[1], f"PACELINE_PORT_{i}") for i, held in enumerate(taken))
    try:
        with pytest.raises(PacelineError) as refused:
            supervise(settings, Stage((program("child", STAY, ports=ports),))).start()
    finally:
        for held in taken:
            held.close()
    for port in ports:
        assert f"{port.number} ({port.setting}) by {psutil.Process().name()}, process {os.getpid()}" in refused.value.problem
    with supervise(settings, Stage((program("child", STAY, ports=ports),))) as supervisor:
        supervisor.wait_ready(20)


def test_what_a_killed_supervisor_left_is_ended_but_a_stranger_with_its_number_is_not(settings: Settings) -> None:
    left, stranger = (subprocess.Popen([sys.executable, "-c", STAY], start_new_session=True) for _ in range(2))
    try:
        folder = RunFolder(settings.home)
        folder.path.mkdir(exist_ok=True)
        folder.remember("left", left.pid)
        recycled = ProcessRecord(stranger.pid, psutil.Process(stranger.pid).create_time() - 3600)
        (folder.path / "gone.pid").write_bytes(msgspec.json.encode(recycled))
        assert folder.end_leftovers() == ["left"]
        assert left.poll() is not None
        assert stranger.poll() is None
        assert list(folder.path.glob("*.pid")) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_the_state_file_tells_others_who_runs(settings: Settings) -> None:
    with supervise(settings, Stage((program("child", STAY),))) as supervisor:
        supervisor.wait_ready(20)
        state = RunFolder(settings.home).read_state()
        assert state is not None
        assert [(c.name, c.state, c.pid, c.starts) for c in state.children] == [
            ("child", "ready", supervisor.states[0].pid, 1),
        ]
        assert RunFolder(settings.home).holder() == psutil.Process()


def test_a_log_is_cut_before_it_grows_too_large_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "child", largest_bytes=1_000)
    with log.open() as writer:
        for round_number in range(6):
            writer.write(f"{round_number}\n".encode() * 600)
            writer.flush()
            log.cut()
        writer.write(b"after\n")
    assert log.path.read_bytes() == b"after\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["child.log", "child.log.1", "child.log.2", "child.log.3"]
    assert (tmp_path / "child.log.1").read_text().startswith("5\n")


def test_reset_removes_what_we_made_and_nothing_else(settings: Settings) -> None:
    for name in ("kafka", "logs"):
        (settings.home / name).mkdir()
    (settings.home / "mine.txt").write_text("keep")
    operate.reset(settings)
    assert [path.name for path in settings.home.iterdir()] == ["mine.txt"]


def test_a_probe_that_raises_counts_as_not_ready(settings: Settings) -> None:
    answers = iter([httpx.ConnectError("not yet"), True])

    def ready() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with supervise(settings, Stage((program("child", STAY, ready=ready),))) as supervisor:
        supervisor.wait_ready(20)
        assert supervisor.states[0].starts == 1
