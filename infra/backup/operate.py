"""What both commands do around the copying: servers that must run, progress on the terminal, a sentence at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from infra.backup import archive as archives
from infra.backup.bring_back import bring_back, bring_back_secrets, check
from infra.backup.take import take
from infra.clock import system_clock
from infra.operate import stop_on_signals
from infra.processes import stages
from infra.settings import Settings, ensure_secrets
from infra.supervisor import Stage, Supervisor
from infra.supervisor.run_folder import RunFolder

MEGABYTE = 1_048_576


def backup(settings: Settings, target: Path, *, with_secrets: bool) -> str:
    """Make it; returns what to tell. A Paceline that stands still has its servers started for as long as it takes."""
    settings = ensure_secrets(settings)
    with _servers(settings, only_ours=False), _shown() as progress:
        manifest = take(settings, target, system_clock, progress, with_secrets=with_secrets)
    moment = datetime.fromtimestamp(manifest.of_ms / 1_000, UTC).isoformat(timespec="seconds")
    megabytes = sum(record.bytes for record in manifest.files.values()) / MEGABYTE
    words = " It holds secrets: keep it as closed as the home." if with_secrets else ""
    return f"All that was acknowledged before {moment} is in {target} ({megabytes:.1f} MB).{words}"


def restore(settings: Settings, source: Path) -> str:
    """Bring it back; returns what to tell."""
    archive = archives.Archive(source)
    with _shown() as progress:
        check(archive, progress)
        settings = ensure_secrets(bring_back_secrets(settings, archive))
        with _servers(settings, only_ours=True):
            bring_back(settings, archive, progress)
    moment = datetime.fromtimestamp(archive.manifest.of_ms / 1_000, UTC).isoformat(timespec="seconds")
    return f"This installation is now what the other was at {moment}. `paceline up` starts it."


@contextmanager
def _servers(settings: Settings, *, only_ours: bool) -> Iterator[None]:
    """Inside, the servers run: those of a Paceline that is up, unless it must not be, else started here.

    Raises PacelineError when it must not be and is.
    """
    servers = Stage(stages(settings)[0].children)
    if not only_ours and (RunFolder(settings.home).holder() or not servers.children):
        yield
        return
    supervisor = Supervisor(settings, [servers])
    with stop_on_signals(supervisor), supervisor:
        supervisor.wait_ready()
        yield


@contextmanager
def _shown() -> Iterator[archives.Progress]:
    """A bar for each kind of data on standard error, when somebody looks."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, most: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None)
            bars.update(tasks[what], completed=done if most else 1, total=most or 1)

        yield show
