"""`<home>/run`: the lock against a second supervisor, who runs, and what a killed supervisor left behind."""

import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import IO

import msgspec
import psutil

from infra.errors import PacelineError
from infra.folders import close_folders

SAME_START_S = 2.0
"""A process whose start differs more from the recorded one has merely inherited the number."""
LEFTOVER_STOP_S = 5.0


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process, told apart from later ones with the same number by when it started."""

    pid: int
    started_s: float

    def process(self) -> psutil.Process | None:
        """It, when it still runs."""
        try:
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started_s) < SAME_START_S and found.status() != psutil.STATUS_ZOMBIE:
                return found
        except psutil.NoSuchProcess:
            pass
        return None


class ChildRecord(msgspec.Struct, frozen=True):
    """A child as `state.json` shows it."""

    name: str
    state: str
    pid: int | None
    starts: int
    why: str
    log: str


class StateRecord(msgspec.Struct, frozen=True):
    """`state.json`: what the supervisor last knew."""

    supervisor: ProcessRecord
    at_ms: int
    children: tuple[ChildRecord, ...]


class RunFolder:
    """The folder; `lock` it before anything else is changed."""

    def __init__(self, home: Path) -> None:
        self.path = home / "run"
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Hold it until `unlock` or this process's end, of whatever kind.

        Raises PacelineError that names the process which holds it.
        """
        close_folders(self.path.parent)
        lock = (self.path / "supervisor.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise PacelineError(
                f"Paceline already runs on {self.path.parent} ({self._holder_words()})",
                "Stop it with `paceline stop`, or set PACELINE_HOME to another folder.",
            ) from None
        lock.truncate(0)
        lock.write(msgspec.json.encode(_record(os.getpid())).decode())
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def holder(self) -> psutil.Process | None:
        """The supervisor that runs on this home, if any."""
        try:
            record = msgspec.json.decode((self.path / "supervisor.lock").read_bytes(), type=ProcessRecord)
        except (OSError, msgspec.DecodeError):
            return None
        return record.process()

    def remember(self, name: str, pid: int) -> None:
        """So that the next supervisor can end it when this one is killed."""
        with contextlib.suppress(psutil.NoSuchProcess, OSError):  # on a full disk the kernel alone must end it with us
            self._replace(f"{name}.pid", msgspec.json.encode(_record(pid)))

    def forget(self, name: str) -> None:
        (self.path / f"{name}.pid").unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what a killed supervisor left running; returns the names."""
        ended = []
        for file in sorted(self.path.glob("*.pid")):
            with contextlib.suppress(msgspec.DecodeError):
                process = msgspec.json.decode(file.read_bytes(), type=ProcessRecord).process()
                if process:
                    _end(process)
                    ended.append(file.stem)
            file.unlink()
        return ended

    def write_state(self, at_ms: int, children: tuple[ChildRecord, ...]) -> None:
        state = StateRecord(_record(os.getpid()), at_ms, children)
        self._replace("state.json", msgspec.json.format(msgspec.json.encode(state), indent=1))

    def read_state(self) -> StateRecord | None:
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=StateRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def _replace(self, name: str, content: bytes) -> None:
        fresh = self.path / f".{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self.path / name)

    def _holder_words(self) -> str:
        process = self.holder()
        return f"process {process.pid}" if process else "its process is just starting"


def kill_group(pid: int) -> None:
    """Kill a process that leads a session of its own, with everything in it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        _gone, alive = psutil.wait_procs([process], timeout=LEFTOVER_STOP_S)
        for left in alive:
            kill_group(left.pid)
            left.wait(LEFTOVER_STOP_S)


def _record(pid: int) -> ProcessRecord:
    return ProcessRecord(pid, psutil.Process(pid).create_time())
