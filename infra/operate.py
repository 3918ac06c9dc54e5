"""What the operator's commands do: up, status, stop, reset."""

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.errors import PacelineError, Unavailable
from infra.processes import further_stages, stages
from infra.settings import Settings, ensure_secrets
from infra.supervisor import ChildState, Port, Supervisor
from infra.supervisor.run_folder import RunFolder, StateRecord
from infra.telemetry.endpoint import Endpoint

MADE_BY_US = ("kafka", "postgres", "warehouse", "flows", "dagster", "logs", "run", "secrets")
"""All that Paceline puts into its home; `reset` removes these and nothing else."""
STOP_S = 90.0
COLOURS = {"ready": "green", "restarting": "red", "stopped": "dim", "stopping": "yellow"}


def up(settings: Settings, console: Console, *, also: Sequence[str] = ()) -> None:
    """Run everything until a signal asks to stop; `also` names further processes, such as Dagster's.

    Raises PacelineError when the start fails; then nothing is left running.
    """
    settings = ensure_secrets(settings)
    own = Port(settings.supervisor_port, "PACELINE_SUPERVISOR_PORT")
    wanted = (*stages(settings), *(stage for name in also for stage in further_stages(settings, name)))
    supervisor = Supervisor(settings, wanted, own_ports=[own], listener=lambda state: show_state(state, console))
    with stop_on_signals(supervisor), supervisor:
        endpoint = Endpoint(own.number, "supervisor", lambda: _why_not_ready(supervisor))
        try:
            supervisor.wait_ready()
            console.print(f"Paceline is up: [bold]{settings.api_url}/[/]  (Ctrl-C stops it; data and logs in {settings.home})")
            supervisor.wait()
        except PacelineError:
            if not supervisor.asked_to_stop:
                raise
        finally:
            endpoint.close()


def stop_on_signals(supervisor: Supervisor) -> AbstractContextManager[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP ask for a stop; the second one asks for haste. For the main thread."""
    return on_signals(supervisor.ask_to_stop)


@contextmanager
def on_signals(ask: Callable[[], None]) -> Iterator[None]:
    """Inside, each of those signals calls `ask`."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        ask()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_state(state: ChildState, console: Console) -> None:
    """One line for a change that an operator wants to see."""
    if state.state == "waiting":
        return
    words = {
        "starting": f"starting (process {state.pid})",
        "ready": f"ready after {state.since_s:.1f} s",
        "restarting": f"{escape(state.why)}; starts again after a pause",
        "stopped": f"stopped{f' ({escape(state.why)})' if state.why else ''}",
    }.get(state.state, state.state)
    colour = COLOURS.get(state.state, "cyan")
    console.print(f"[{colour}]{state.name:<14}[/] {words}", highlight=False)


def status(settings: Settings, console: Console) -> bool:
    """Print who runs; True when everything is ready."""
    folder = RunFolder(settings.home)
    holder, state = folder.holder(), folder.read_state()
    if holder is None or state is None:
        console.print(f"Paceline is not running on {settings.home}.")
        return False
    console.print(f"Paceline runs on {settings.home} (process {holder.pid}), page at {settings.api_url}/", soft_wrap=True)
    console.print(_status_table(state))
    return all(child.state == "ready" for child in state.children)


def stop(settings: Settings, console: Console) -> None:
    """Ask the running supervisor to stop and wait for its end."""
    holder = RunFolder(settings.home).holder()
    if holder is None:
        console.print(f"Paceline is not running on {settings.home}.")
        return
    holder.terminate()
    try:
        holder.wait(STOP_S)
    except psutil.TimeoutExpired:
        raise Unavailable(f"Process {holder.pid} has not stopped within {STOP_S:.0f} s", "See the folder `logs`.") from None
    console.print("Stopped.")


def what_reset_removes(settings: Settings) -> list[Path]:
    """The folders of ours that are there."""
    present = [settings.home / name for name in MADE_BY_US if (settings.home / name).exists()]
    sockets = (settings.postgres_socket_dir, settings.dagster_socket_dir)
    return present + [path for path in sockets if settings.home not in path.parents and path.exists()]


def reset(settings: Settings) -> None:
    """Remove them, and the home itself when nothing else is in it.

    Raises PacelineError while a supervisor runs on it.
    """
    folder = RunFolder(settings.home)
    folder.lock()
    try:
        folder.end_leftovers()
        for path in what_reset_removes(settings):
            shutil.rmtree(path)
        if not any(settings.home.iterdir()):
            settings.home.rmdir()
    finally:
        folder.unlock()


def _status_table(state: StateRecord) -> Table:
    table = Table("process", "state", "pid", "starts", "log")
    for child in state.children:
        words = f"{child.state}: {escape(child.why)}" if child.why else child.state
        table.add_row(
            child.name, f"[{COLOURS.get(child.state, 'cyan')}]{words}[/]", str(child.pid or ""), str(child.starts), child.log
        )
    return table


def _why_not_ready(supervisor: Supervisor) -> str:
    states = supervisor.states
    if not states:
        return "nothing has been started yet"
    return ", ".join(f"{state.name} is {state.state}" for state in states if state.state != "ready")
