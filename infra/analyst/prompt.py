"""The prompt: questions over several lines, a history that lasts, Tab, and answers as tables."""

import time
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import Output
from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]  # it has no stubs of its own
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.analyst.answers import SHOWN_ROWS, counted, show
from infra.analyst.asking import Analyst
from infra.analyst.completion import Names
from infra.analyst.views import View, one_view, read_views
from infra.errors import PacelineError

HELP = """A question ends with ; and may have several lines. Tab completes, ↑ goes back, Ctrl-C drops what is typed.
  views            the views          views v_alerts   the columns of one
  help             this               exit             leave (also Ctrl-D)"""
LEAVE = {"exit", "quit", r"\q"}


def session(
    views: tuple[View, ...], history: Path | None, *, keys: Input | None = None, screen: Output | None = None
) -> PromptSession[str]:
    """A prompt whose Enter asks when the question is complete, and else begins a new line."""
    kept: History = InMemoryHistory()
    if history:
        history.touch(mode=0o600)
        kept = FileHistory(str(history))
    bindings = KeyBindings()
    made: PromptSession[str] = PromptSession(
        "paceline> ",
        history=kept,
        completer=Names(views),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        lexer=PygmentsLexer(SqlLexer),
        multiline=True,
        prompt_continuation="      ... ",
        key_bindings=bindings,
        input=keys,
        output=screen,
    )

    @bindings.add("enter", filter=Condition(lambda: is_complete(made.default_buffer.text)))
    def _ask(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return made


def is_complete(text: str) -> bool:
    """Whether Enter sends it: a question with its semicolon, a word of the prompt's own, or nothing."""
    said = text.strip()
    return not said or said.endswith(";") or said.split()[0] in LEAVE | {"help", "views"}


def converse(analyst: Analyst, console: Console, make: Callable[[tuple[View, ...]], PromptSession[str]]) -> None:
    """Ask and answer until the end of input."""
    views = read_views(analyst)
    prompt = make(views)
    console.print(HELP, highlight=False)
    while True:
        try:
            said = prompt.prompt().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if said.rstrip(";") in LEAVE:
            return
        try:
            _answer(analyst, console, views, said)
        except PacelineError as failure:
            console.print(f"[bold red]Error:[/] {escape(failure.problem)}\n{escape(failure.remedy)}", highlight=False)
        except KeyboardInterrupt:
            console.print("Dropped.")


def _answer(analyst: Analyst, console: Console, views: tuple[View, ...], said: str) -> None:
    word, *rest = said.rstrip(";").split() or [""]
    if word == "help":
        console.print(HELP, highlight=False)
    elif word == "views" and rest:
        console.print(columns_table(one_view(views, rest[0])))
    elif word == "views":
        console.print(views_table(views))
    elif word:
        begun = time.monotonic()
        answer = analyst.ask(said, at_most=SHOWN_ROWS)
        took_s = time.monotonic() - begun
        show(answer, console)
        console.print(f"{counted(answer)} {took_s:.2f} s", highlight=False, style="dim")


def views_table(views: tuple[View, ...]) -> Table:
    """Name and purpose of each."""
    table = Table("view", "what it holds", "columns", header_style="bold")
    for view in views:
        table.add_row(view.name, view.purpose, str(len(view.columns)))
    return table


def columns_table(view: View) -> Table:
    """The columns of one."""
    table = Table("column", "type", "what it is", "unit", title=f"{view.name}: {view.purpose}", header_style="bold")
    for column in view.columns:
        table.add_row(column.name, column.type, column.meaning, column.unit)
    return table
