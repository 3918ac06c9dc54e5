"""Starts a process so that it cannot outlive the thread that started it, with default signals and, when asked, as another user.

`PR_SET_PDEATHSIG` is tied to the starting thread and is cleared by a change of user: so the thread must live as long as the
process should, and the request is made after the change.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.errors import PacelineError, Unavailable

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 28, 47, 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SETPCAP = 1, 2, 8
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
LIBC = ctypes.CDLL(None, use_errno=True)
SECOND_IN_LINE = 5
"""The niceness of what may wait while others serve the live path: a third of their share when all want the processors."""
SANE_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Account:
    """An unprivileged user of the machine. `pass_folders` lets it walk through folders that are closed to it."""

    name: str
    uid: int
    gid: int
    pass_folders: bool = False


@dataclass(frozen=True)
class Launch:
    """How to start one process: everything that its environment and rights depend on."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    account: Account | None = None
    orphan_signal: signal.Signals = signal.SIGKILL
    """What it receives when its starter is gone."""
    niceness: int = 0

    def start(self, output: int | IO[bytes], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, so that Ctrl-C at the terminal reaches the starter only."""
        parent = os.getpid()
        return subprocess.Popen(
            list(self.command),
            env=dict(self.environment),
            cwd=self.folder,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # what they keep is closed to the machine's other users
            preexec_fn=lambda: _enter(self.account, self.orphan_signal, parent, self.niceness),  # noqa: PLW1509 - only system calls inside
        )

    def run(self, what: str, text: bytes = b"", timeout_s: float = 120) -> None:
        """Start it, wait, and raise PacelineError with its words unless it ends well.

        Unavailable when it ends with EX_TEMPFAIL: trying again may help.
        """
        with self.start(subprocess.PIPE, subprocess.PIPE) as process:
            try:
                said, _ = process.communicate(text, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Unavailable(
                    f"{what} took longer than {timeout_s:.0f} s", "Is the machine overloaded? Try again."
                ) from None
        if process.returncode:
            kind = Unavailable if process.returncode == os.EX_TEMPFAIL else PacelineError
            raise kind(f"{what} failed with exit code {process.returncode}:\n{said.decode(errors='replace').strip()}")


def minimal_environment(home: Path) -> dict[str, str]:
    """For servers: nothing of the caller's environment, which could change how they behave."""
    return {"PATH": SANE_PATH, "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "HOME": str(home)}


def unprivileged_account(*needed: Path) -> Account | None:
    """The user for servers that refuse root; None when we are not root. It must reach the `needed` folders."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    closed = any(not _passable(folder, nobody.pw_uid, nobody.pw_gid) for path in needed for folder in (path, *path.parents))
    return Account("nobody", nobody.pw_uid, nobody.pw_gid, pass_folders=closed)


def _passable(folder: Path, uid: int, gid: int) -> bool:
    if not folder.exists():
        return True
    found = folder.stat()
    bit = 0o100 if found.st_uid == uid else 0o010 if found.st_gid == gid else 0o001
    return bool(found.st_mode & bit)


def _enter(account: Account | None, orphan_signal: signal.Signals, parent: int, niceness: int) -> None:
    """Between fork and exec."""
    if niceness:
        _give_way(niceness)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    if account:
        _become(account)
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent:  # the starter died before the line above
            os._exit(1)


def _give_way(niceness: int) -> None:
    """Linux shares processors among sessions where `autogroup` is on, and niceness then counts within a session only."""
    os.nice(niceness)
    with contextlib.suppress(OSError):  # another system, or asked too often: then the process's own niceness is all there is
        group = os.open("/proc/self/autogroup", os.O_WRONLY)
        os.write(group, b"%d" % niceness)
        os.close(group)


def _become(account: Account) -> None:
    keep = account.pass_folders and sys.platform == "linux"
    if keep:
        LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if keep and not _keep_only(CAP_DAC_READ_SEARCH):
        _keep_only(CAP_DAC_OVERRIDE)  # containers often grant this one only


def _keep_only(capability: int) -> bool:
    """Keep one right of root's across exec: to walk through and read folders that are closed to the user.

    access(2), by which PostgreSQL looks for its programs, forgets the rights of whoever is not root, unless told not to.
    """
    bit = 1 << capability
    if _hold_only(bit | 1 << CAP_SETPCAP):
        LIBC.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    return _hold_only(bit) and int(LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)) == 0


def _hold_only(bits: int) -> bool:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)  # effective, permitted, inheritable
    return int(LIBC.capset(header, sets)) == 0
