"""One child's life as a state machine: the supervisor's loop calls `advance`, nothing here waits."""

import os
import random
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeVar

from infra.errors import PacelineError
from infra.supervisor.child import Child
from infra.supervisor.log_file import LogFile
from infra.supervisor.run_folder import RunFolder, kill_group
from infra.telemetry.metrics import CHILD_STARTS

State = Literal["waiting", "preparing", "starting", "ready", "restarting", "stopping", "stopped"]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How a child that ends is started again: after a growing pause, which is short again once it has run steadily."""

    first_pause_s: float = 0.5
    longest_pause_s: float = 30
    steady_after_s: float = 60
    spread: float = 0.25
    starts_before_giving_up: int = 4
    """Only for a child that has never been ready; one that worked before is started again for ever, and so is one that ends
    with EX_TEMPFAIL: what it needs is away for the moment."""
    look_every_s: float = 10
    silent_looks: int = 6
    """After so many looks in a row without an answer a child is taken to stand still. Looks, not time: the supervisor itself
    may have been stopped meanwhile, with the whole machine."""

    def pause_s(self, failures: int, chance: random.Random) -> float:
        """Before the start that follows so many failures in a row."""
        growing = min(self.longest_pause_s, self.first_pause_s * 2.0 ** (failures - 1))
        return growing * chance.uniform(1 - self.spread, 1 + self.spread)


@dataclass(frozen=True)
class ChildState:
    """What is known of a child at one moment."""

    name: str
    state: State
    pid: int | None
    starts: int
    why: str
    since_s: float
    """How long the present start took to become ready, or has taken so far."""


class ChildRun:
    """Use it from one thread only: that thread becomes the process's parent, with whose end the process ends too."""

    def __init__(self, child: Child, run_folder: RunFolder, log: LogFile, patience: Patience, chance: random.Random) -> None:
        self.child = child
        self.log = log
        self.state: State = "waiting"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.was_ready = False
        self.fault: PacelineError | None = None
        """Set when it makes no sense to go on trying."""
        self._why = ""
        self._failures = 0
        self._in_vain = 0
        self._run_folder = run_folder
        self._patience = patience
        self._chance = chance
        self._began_s = 0.0
        self._changed_s = 0.0
        self._preparation: Future[None] | None = None
        self._probe: Future[bool] | None = None
        self._looked_s = 0.0
        self._silent = 0

    def begin(self, now_s: float) -> None:
        """Prepare and start it."""
        self._began_s = now_s
        self.process = None
        self._preparation = in_background(self.child.prepare)
        self._become("preparing", now_s)

    def advance(self, now_s: float) -> None:
        """Look what has happened and do the next thing."""
        match self.state:
            case "preparing":
                self._start_when_prepared(now_s)
            case "starting":
                self._look_whether_ready(now_s)
            case "ready":
                self._look_whether_alive(now_s)
            case "restarting" if now_s >= self._changed_s:
                self.begin(now_s)
            case _:
                pass

    def ask_to_stop(self, now_s: float) -> None:
        """Send its stop signal; what is being prepared is let finish."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.child.stop_signal)
        elif self.state != "preparing":
            self._gone(now_s)
            return
        self._become("stopping", now_s)

    def stopped(self, now_s: float) -> bool:
        """Whether it is gone; one that overstays its time is killed with all that it has started."""
        if self.state == "stopping":
            if self._ended() and self._preparation and self._preparation.done():
                self._gone(now_s)
            elif now_s - self._changed_s > self.child.stop_timeout_s:
                self.kill(now_s)
        return self.state == "stopped"

    def kill(self, now_s: float) -> None:
        """At once."""
        if self.process and self.process.poll() is None:
            self._kill_process()
            self._why = "killed: it did not stop in time"
        if self.state != "stopped":
            self._gone(now_s)

    def snapshot(self, now_s: float) -> ChildState:
        pid = self.process.pid if self.process and self.state in {"starting", "ready", "stopping"} else None
        until_s = self._changed_s if self.state == "ready" else now_s
        return ChildState(self.child.name, self.state, pid, self.starts, self._why, max(0.0, until_s - self._began_s))

    def _start_when_prepared(self, now_s: float) -> None:
        if self._preparation is None or not self._preparation.done():
            return
        try:
            self._preparation.result()
            with self.log.open() as output:
                self.process = self.child.launch().start(output)
        except PacelineError as fault:
            if not self.was_ready:
                self.fault = fault
            self._failed(fault.problem, now_s)
        except (OSError, subprocess.SubprocessError) as fault:
            self._failed(f"could not be started: {fault}", now_s)
        else:
            self.starts += 1
            CHILD_STARTS.labels(self.child.name).inc()
            self._run_folder.remember(self.child.name, self.process.pid)
            self._probe = None
            self._become("starting", now_s)

    def _look_whether_ready(self, now_s: float) -> None:
        if self._ended():
            self._failed(self._exit_words(), now_s)
        elif self._probe is None:
            self._probe = in_background(self.child.ready)
        elif self._probe.done() and self._answer():
            self.was_ready = True
            self._why = ""
            self._looked_s, self._silent = now_s, 0
            self._become("ready", now_s)
        if self.state == "starting" and now_s - self._changed_s > self.child.ready_timeout_s:
            self._kill_process()
            self._failed(f"was not ready within {self.child.ready_timeout_s:.0f} s", now_s)

    def _look_whether_alive(self, now_s: float) -> None:
        if self._ended():
            self._failed(self._exit_words(), now_s)
        elif self._silent >= self._patience.silent_looks:
            self._kill_process()
            self._failed(f"stood still: {self._silent} times in a row it did not answer", now_s)
        elif self._probe is None and now_s - self._looked_s >= self._patience.look_every_s:
            self._looked_s = now_s
            self._probe = in_background(self.child.alive)
        elif self._probe and self._probe.done():
            self._silent = 0 if self._answer() else self._silent + 1
        if self.state == "ready" and now_s - self._changed_s > self._patience.steady_after_s:
            self._failures = 0

    def _answer(self) -> bool:
        """What the finished probe has found; makes room for the next."""
        probe, self._probe = self._probe, None
        return probe is not None and probe.exception() is None and probe.result()

    def _failed(self, why: str, now_s: float) -> None:
        self._why = why
        self._failures += 1
        self._in_vain += not (self.process and self.process.returncode == os.EX_TEMPFAIL)
        if not self.was_ready and self._in_vain >= self._patience.starts_before_giving_up and self.fault is None:
            self.fault = PacelineError(
                f"{self.child.name} does not start: {why}. Its last words, from {self.log.path}:\n{self.log.last_words()}"
            )
        self._run_folder.forget(self.child.name)
        self.state = "restarting"
        self._changed_s = now_s + self._patience.pause_s(self._failures, self._chance)

    def _gone(self, now_s: float) -> None:
        self._run_folder.forget(self.child.name)
        self._become("stopped", now_s)

    def _kill_process(self) -> None:
        if self.process:
            kill_group(self.process.pid)
            self.process.wait()

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _exit_words(self) -> str:
        code = self.process.returncode if self.process else 0
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def _become(self, state: State, now_s: float) -> None:
        self.state = state
        self._changed_s = now_s


def in_background(work: Callable[[], Result]) -> "Future[Result]":
    """On a thread that nobody waits for at exit, unlike those of an executor: a download must not hold up Ctrl-C."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:  # noqa: BLE001 - it travels in the future to whoever asks
            future.set_exception(failure)

    threading.Thread(target=run, daemon=True).start()
    return future
