"""Answers on paper: a table for people, CSV and JSON for programs, an Arrow file for data frames."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import IO, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.analyst.asking import Analyst, Answer

SHOWN_ROWS = 1_000
"""Of a table; the other formats have all."""
NUMBER = re.compile(r"Int|Float|Decimal")


class Form(StrEnum):
    """What an answer may look like."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    ARROW_FILE = "arrow-file"


SERVER_FORMATS = {Form.CSV: "CSVWithNames", Form.JSON: "JSONEachRow", Form.ARROW_FILE: "Arrow"}


def show(answer: Answer, console: Console) -> None:
    """A table; numbers to the right."""
    table = Table(header_style="bold")
    for name, kind in zip(answer.names, answer.types, strict=True):
        number = NUMBER.search(kind) and not kind.startswith(("Array", "Map", "Tuple"))
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row, shown in zip(answer.rows, texts(answer), strict=True):
        styles = ("dim" if value is None else "" for value in row)
        table.add_row(*(Text(cell, style=style) for cell, style in zip(shown, styles, strict=True)))
    console.print(table)


def texts(answer: Answer) -> list[list[str]]:
    """The rows as they stand in the table."""
    single = ["Float32" in kind for kind in answer.types]
    return [[text(value, single=narrow) for value, narrow in zip(row, single, strict=True)] for row in answer.rows]


def counted(answer: Answer) -> str:
    """How many rows there are, for a line below them."""
    if answer.more:
        return f"The first {len(answer.rows):,} rows; --format csv, json and arrow-file have all."
    return f"{len(answer.rows):,} row{'' if len(answer.rows) == 1 else 's'}."


def text(value: Any, *, single: bool = False) -> str:
    """A value as an analyst types it in SQL; `single` for numbers that have no more than single precision."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")[:23].split("+")[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(text(part, single=single) for part in value)}]"
    return str(np.float32(value)) if single and isinstance(value, float) else str(value)


def write(analyst: Analyst, sql: str, parameters: Mapping[str, str], form: Form, out: IO[bytes]) -> None:
    """The whole answer as a program reads it. JSON is one array of objects."""
    pieces: Iterable[bytes] = analyst.stream(sql, SERVER_FORMATS[form], parameters)
    for piece in _as_array(pieces) if form is Form.JSON else pieces:
        out.write(piece)
    out.flush()


def _as_array(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """From an object a line to an array with an object a line."""
    rest, before = b"", b"[\n"
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield before + line
            before = b",\n"
    yield (b"[" if before == b"[\n" else b"\n") + b"]\n"
