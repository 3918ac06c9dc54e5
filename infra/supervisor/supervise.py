"""The loop over all children: stages in order, restarts, a stop in reverse order."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from infra.clock import Clock, system_clock
from infra.errors import PacelineError, Unavailable
from infra.settings import Settings
from infra.supervisor.child import Port, Stage
from infra.supervisor.child_run import ChildRun, ChildState, Patience, in_background
from infra.supervisor.log_file import LogFile
from infra.supervisor.ports import check_ports
from infra.supervisor.run_folder import ChildRecord, RunFolder
from infra.telemetry.logs import logger

log = logger(__name__)
LOOP_PAUSE_S = 0.03
DEATH_SHOWS_WITHIN_S = 2.0
LOG_CHECK_S = 5.0
Listener = Callable[[ChildState], None]


class Supervisor:
    """`start`, `wait_ready`, `stop`; or a with-block for the first and the last.

    One thread of its own starts all children and lives until they are gone: should this process end in any way, so do they.
    Listeners run on that thread, for every change of a child's state.
    """

    def __init__(
        self,
        settings: Settings,
        stages: Sequence[Stage],
        *,
        listener: Listener = lambda _state: None,
        own_ports: Sequence[Port] = (),
        patience: Patience | None = None,
        clock: Clock = system_clock,
        monotonic_s: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.run_folder = RunFolder(settings.home)
        self._listener = listener
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._stages = tuple(stages)
        self._own_ports = tuple(own_ports)
        chance = chance or random.Random()  # noqa: S311 - spreads restarts, guards nothing
        patience = patience or Patience()
        logs = settings.home / "logs"
        self._runs = [
            [ChildRun(c, self.run_folder, LogFile(logs, c.name), patience, chance) for c in stage.children] for stage in stages
        ]
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._settled = threading.Event()
        self._begun = 0
        self._then: Future[None] | None = None
        self._then_starts: list[int] = []
        self._failed_s: float | None = None
        self._ready = False
        self._fault: PacelineError | None = None
        self._shown: list[ChildState] = []
        self._logs_checked_s = 0.0

    def __enter__(self) -> "Supervisor":
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin; returns at once.

        Raises PacelineError when another supervisor holds this home or a port is taken.
        """
        self.run_folder.lock()
        try:
            for name in self.run_folder.end_leftovers():
                log.warning("leftover_ended", child=name)
            check_ports([*self._own_ports, *(p for stage in self._stages for child in stage.children for p in child.ports)])
        except BaseException:
            self.run_folder.unlock()
            raise
        self._thread.start()

    def wait_ready(self, timeout_s: float = 300) -> None:
        """Until every child of every stage has been ready once.

        Raises PacelineError when a child or a step between stages fails for good, Unavailable after the time.
        """
        if not self._settled.wait(timeout_s):
            waiting = ", ".join(state.name for state in self._shown if state.state not in {"ready", "waiting"})
            raise Unavailable(f"After {timeout_s:.0f} s still not ready: {waiting}", "Look into the folder `logs` of the home.")
        if self._fault:
            raise self._fault

    def stop(self) -> None:
        """Stop the stages in reverse order, each child with its own signal and time; returns when all are gone."""
        self._stop.set()
        self.wait()
        self.run_folder.unlock()

    def wait(self) -> None:
        """Until all is stopped because somebody asked for it."""
        while self._thread.is_alive():
            self._thread.join(1)

    def ask_to_stop(self) -> None:
        """For signal handlers: returns at once. A second call turns the stop into a kill."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody did."""
        return self._stop.is_set()

    @property
    def states(self) -> list[ChildState]:
        """All children, as last seen by the loop."""
        return list(self._shown)

    @property
    def fault(self) -> PacelineError | None:
        """What keeps the start from completing, if anything does."""
        return self._fault

    def _run(self) -> None:
        try:
            while not self._stop.wait(LOOP_PAUSE_S):
                self._advance(self._monotonic_s())
        except Exception as failure:
            log.exception("supervisor_failed")
            self._give_up(PacelineError(f"The supervisor failed: {failure!r}"))
        finally:
            self._stop_all()
            self._give_up(PacelineError("The supervisor was stopped"))

    def _advance(self, now_s: float) -> None:
        if not self._ready and not self._fault:
            self._go_through_stages(now_s)
        for run in self._begun_runs():
            run.advance(now_s)
        if now_s - self._logs_checked_s > LOG_CHECK_S:
            self._logs_checked_s = now_s
            self._cut_logs()
        self._show(now_s)
        for run in self._begun_runs():  # after the showing: whoever is told of the fault finds the states that belong to it
            if run.fault and not self._fault:
                self._give_up(run.fault)

    def _go_through_stages(self, now_s: float) -> None:
        if self._begun and any(run.state != "ready" for run in self._runs[self._begun - 1]):
            return
        if self._begun and not self._between_done():
            return
        if self._begun == len(self._stages):
            self._ready = True
            self._settled.set()
            return
        for run in self._runs[self._begun]:
            run.begin(now_s)
        self._begun += 1

    def _between_done(self) -> bool:
        stage, runs = self._stages[self._begun - 1], self._runs[self._begun - 1]
        if self._then is None:
            self._then = in_background(stage.then)
            self._then_starts = [run.starts for run in runs]
        if not self._then.done():
            return False
        failure = self._then.exception()
        if failure is None:
            self._then = None
            return True
        if isinstance(failure, Unavailable):
            if self._server_died(runs):
                log.warning("step_repeated", step=stage.then_name)
                self._then, self._failed_s = None, None
                return False
            now_s = self._monotonic_s()
            self._failed_s = now_s if self._failed_s is None else self._failed_s
            if now_s - self._failed_s < DEATH_SHOWS_WITHIN_S:
                return False
        known = failure if isinstance(failure, PacelineError) else PacelineError(f"{stage.then_name} failed: {failure!r}")
        self._give_up(known)
        return False

    def _server_died(self, runs: Sequence[ChildRun]) -> bool:
        """Whether one of them died under the step, which is then worth repeating when it is back."""
        gone = any(run.process and run.process.poll() is not None for run in runs)
        return gone or self._then_starts != [run.starts for run in runs]

    def _give_up(self, fault: PacelineError) -> None:
        if not self._settled.is_set():
            self._fault = fault
            self._settled.set()

    def _begun_runs(self) -> list[ChildRun]:
        return [run for runs in self._runs[: self._begun] for run in runs]

    def _stop_all(self) -> None:
        for runs in reversed(self._runs[: self._begun]):
            for run in runs:
                run.ask_to_stop(self._monotonic_s())
            while self._any_left(runs):
                time.sleep(LOOP_PAUSE_S)

    def _any_left(self, runs: Sequence[ChildRun]) -> bool:
        now_s = self._monotonic_s()
        if self._hurry.is_set():
            for run in runs:
                run.kill(now_s)
        gone = [run.stopped(now_s) for run in runs]
        self._show(now_s)
        return not all(gone)

    def _show(self, now_s: float) -> None:
        """Tell the listener and `state.json` what has changed."""
        seen = [run.snapshot(now_s) for runs in self._runs for run in runs]
        before = {state.name: (state.state, state.pid) for state in self._shown}
        changed = [state for state in seen if before.get(state.name) != (state.state, state.pid)]
        self._shown = seen
        if not changed:
            return
        logs = {run.child.name: str(run.log.path) for runs in self._runs for run in runs}
        records = tuple(ChildRecord(s.name, s.state, s.pid, s.starts, s.why, logs[s.name]) for s in seen)
        try:
            self.run_folder.write_state(self._clock(), records)
            for state in changed:
                self._listener(state)
        except OSError as failure:  # a full disk or a closed terminal is no reason to stop what runs
            log.warning("state_not_shown", failure=str(failure))

    def _cut_logs(self) -> None:
        for run in self._begun_runs():
            try:
                run.log.cut()
            except OSError as failure:
                log.warning("log_not_cut", child=run.child.name, failure=str(failure))
