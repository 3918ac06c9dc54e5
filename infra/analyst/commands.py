"""`paceline sql` and `paceline views`."""

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from infra.panels import ASK

if TYPE_CHECKING:
    from infra.analyst.answers import Form
    from infra.settings import Settings

FORMATS = "table, csv, json or arrow-file."


def register(app: typer.Typer) -> None:
    """Add the analyst's commands."""
    app.command("sql", rich_help_panel=ASK)(sql)
    app.command("views", rich_help_panel=ASK)(views)


def sql(
    question: Annotated[str, typer.Argument(metavar="[SQL]", help="A question; without one, a prompt opens.")] = "",
    *,
    file: Annotated[Path | None, typer.Option(help="Read the question from a file, such as docs/questions/07-….sql.")] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for {name:Type}; repeatable.")] = None,
    form: Annotated[str, typer.Option("--format", help=FORMATS)] = "table",
    output: Annotated[Path | None, typer.Option(help="Write the answer to this file.")] = None,
    connection: Annotated[bool, typer.Option("--connection", help="Only say how to connect.")] = False,
    show_password: Annotated[bool, typer.Option("--show-password", help="Also show the analyst's password.")] = False,
) -> None:
    """Ask the warehouse in SQL, as the analyst who only reads."""
    settings = _settings()
    only_tell = connection or show_password
    asked = "" if only_tell else _question(question, file)
    values, chosen = _values(param or []), _form(form)
    if asked:
        _answer(settings, asked, values, chosen, output)
        return
    _say_connection(settings, show_password=show_password)
    if not only_tell and sys.stdin.isatty():
        _converse(settings)


def views(
    view: Annotated[str, typer.Argument(metavar="[VIEW]", help="One of them, such as v_alerts: its columns.")] = "",
    write: Annotated[Path | None, typer.Option(help="Renew the tables of a document, such as docs/analyst.md.")] = None,
) -> None:
    """Show the warehouse's views, or the columns of one with meaning and unit."""
    from rich.console import Console

    from infra.analyst.asking import Analyst
    from infra.analyst.prompt import columns_table, views_table
    from infra.analyst.views import one_view, read_views, write_page

    found = read_views(Analyst(_settings()))
    if write:
        typer.echo(f"{write} {'is renewed' if write_page(write, found) else 'was up to date'}.")
    else:
        Console().print(columns_table(one_view(found, view)) if view else views_table(found))


def _settings() -> "Settings":
    from infra.settings import load_settings
    from infra.telemetry.logs import start_logs

    settings = load_settings()
    start_logs(settings.model_copy(update={"log_level": "error"}), "sql")  # what fails is told as a sentence
    return settings


def _question(given: str, file: Path | None) -> str:
    """From the command line, a file, or another program's output."""
    from infra.errors import PacelineError

    if given and file:
        raise PacelineError("There are two questions: one as SQL and one as --file", "Give one of them.")
    if file is None:
        return given.strip() or ("" if sys.stdin.isatty() else sys.stdin.read().strip())
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as failure:
        why = getattr(failure, "strerror", None) or "it is no text"
        raise PacelineError(f"{file} cannot be read: {why}", "Name a file with one question in SQL.") from None


def _values(given: list[str]) -> dict[str, str]:
    from infra.errors import PacelineError

    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _value in pairs if not equals or not name]:
        raise PacelineError(f"--param {wrong[0]} has no value", "Write it as --param name=value.")
    return {name: value for name, _equals, value in pairs}


def _form(name: str) -> "Form":
    from infra.analyst.answers import Form
    from infra.errors import PacelineError

    if name not in list(Form):
        raise PacelineError(f"There is no format {name!r}", f"Choose from {', '.join(Form)}.")
    return Form(name)


def _say_connection(settings: "Settings", *, show_password: bool) -> None:
    from infra.analyst.connection_text import connection_text

    typer.echo(connection_text(settings, with_password=show_password))


def _answer(settings: "Settings", asked: str, values: dict[str, str], form: "Form", output: Path | None) -> None:
    from infra.analyst.answers import Form
    from infra.errors import PacelineError

    if form is Form.ARROW_FILE and output is None and sys.stdout.isatty():
        raise PacelineError("An Arrow file is nothing for a screen", "Add --output FILE, or send it to a program.")
    if output is None:
        _print(settings, asked, values, form, sys.stdout.buffer)
        return
    try:
        with output.open("wb") as out:
            _print(settings, asked, values, form, out)
    except OSError as failure:
        raise PacelineError(f"{output} cannot be written: {failure.strerror}", "Name another file.") from None


def _print(settings: "Settings", asked: str, values: dict[str, str], form: "Form", out: IO[bytes]) -> None:
    import io

    from rich.console import Console

    from infra.analyst.answers import SHOWN_ROWS, Form, counted, show, write
    from infra.analyst.asking import Analyst

    analyst = Analyst(settings)
    if form is not Form.TABLE:
        write(analyst, asked, values, form, out)
        return
    answer = analyst.ask(asked, values, at_most=SHOWN_ROWS)
    if out is sys.stdout.buffer:
        show(answer, Console(width=None if sys.stdout.isatty() else 500))
    else:
        lines = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
        show(answer, Console(file=lines, width=500))
        lines.detach()
    typer.echo(counted(answer), err=True)


def _converse(settings: "Settings") -> None:
    from rich.console import Console

    from infra.analyst.asking import Analyst
    from infra.analyst.prompt import converse, session
    from infra.folders import make_home

    analyst = Analyst(settings)
    make_home(settings.home)
    folder = settings.home / "run"
    folder.mkdir(exist_ok=True)
    console = Console()
    console.print(f"Connected to ClickHouse {analyst.server_version}.", highlight=False)
    converse(analyst, console, lambda found: session(found, folder / "sql_history"))
