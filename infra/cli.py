"""The command line: a thin shell that finds every stage's commands by entry point and prints errors for people.

Imports inside commands are lazy, so that `paceline --help` stays quick.
"""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console
from rich.markup import escape

from infra.errors import PacelineError


def build() -> typer.Typer:
    """The whole command line; each stage registers its own commands."""
    app = typer.Typer(
        name="paceline",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @app.callback()
    def paceline() -> None:
        """Real-time training performance: from strap to screen, every number trusted."""

    for entry in sorted(entry_points(group="paceline.commands"), key=lambda found: found.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command line; a PacelineError becomes two lines and exit code 1."""
    try:
        build()()
    except PacelineError as failure:
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]Error:[/] {escape(failure.problem)}", soft_wrap=True)
        if failure.remedy:
            console.print(escape(failure.remedy), soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
