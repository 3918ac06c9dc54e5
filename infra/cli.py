"""The command line: a thin shell that finds every stage's commands by entry point and prints errors for people.

Imports inside commands are lazy, so that `paceline --help` stays quick.
"""

import sys
import tempfile
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn

import structlog
import typer
from rich.console import Console
from rich.markup import escape

from infra.errors import PacelineError
from infra.panels import InPanels


def build() -> typer.Typer:
    """The whole command line; each stage registers its own commands."""
    app = typer.Typer(
        name="paceline",
        cls=InPanels,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )

    @app.callback()
    def paceline() -> None:
        """Real-time training performance: from strap to screen, every number trusted."""

    for entry in sorted(entry_points(group="paceline.commands"), key=lambda found: found.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command line. Whatever fails becomes a sentence with its remedy and an exit code that is not 0."""
    try:
        build()()
    except PacelineError as failure:
        _end(failure)
    except Exception as fault:  # noqa: BLE001 - the last door: people get a sentence, whoever repairs it the whole story
        _end(_unexpected(fault))


def _end(failure: PacelineError) -> NoReturn:
    _tell(failure)
    sys.exit(failure.exit_code)


def _tell(failure: PacelineError) -> None:
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]Error:[/] {escape(failure.problem)}", soft_wrap=True)
    if failure.remedy:
        console.print(escape(failure.remedy), soft_wrap=True)


def _unexpected(fault: Exception) -> PacelineError:
    """A fault of ours: its story goes into a file, and into the log of a process that keeps one."""
    if structlog.is_configured() and not sys.stderr.isatty():
        structlog.get_logger(__name__).critical("unexpected_failure", exc_info=fault)
    with tempfile.NamedTemporaryFile("w", prefix="paceline-failure-", suffix=".txt", delete=False) as story:
        story.write("".join(traceback.format_exception(fault)))
    said = f"{type(fault).__name__}: {fault}".splitlines()[0]
    return PacelineError(
        f"This should not have happened: {said}", f"Please report it with {Path(story.name)}, which says where it happened."
    )


if __name__ == "__main__":
    main()
