"""How far long work is: a bar on standard error, and only where somebody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(what: str, total: float | None, console: Console | None = None) -> Iterator[Callable[[float], None]]:
    """Inside, call the function with how much is done so far; `total` is None when nobody knows.

    Nothing is printed where standard error is no terminal, and nothing stays on one.
    """
    screen = console or Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
