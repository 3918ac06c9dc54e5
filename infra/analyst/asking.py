"""Questions in SQL, asked as the analyst, who only reads; what the server refuses becomes a sentence and a remedy."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from urllib3.exceptions import HTTPError

from infra.errors import PacelineError
from infra.settings import Settings
from infra.warehouse import AUTHENTICATION_FAILED, open_client, refused

SAID = re.compile(r"DB::Exception: (?P<what>.*?)\s*\((?P<code>[A-Z_]{4,})\)", re.DOTALL)
AROUND = re.compile(r"(Code: \d+\. )?DB::Exception: |: In scope .*$|\. In scope .*$", re.DOTALL)
SEE_VIEWS = "`paceline views` lists the views, `paceline views v_alerts` the columns of one."
REMEDIES = {
    "UNKNOWN_TABLE": SEE_VIEWS,
    "UNKNOWN_IDENTIFIER": SEE_VIEWS,
    "SYNTAX_ERROR": "One question at a time, in ClickHouse's SQL; docs/questions has ten that work.",
    "READONLY": "The analyst reads and changes neither rows nor settings.",
    "ACCESS_DENIED": "The analyst reads Paceline's views and tables, nothing else.",
    "UNKNOWN_QUERY_PARAMETER": "Give it a value: --param name=value.",
    "BAD_QUERY_PARAMETER": "Give it a value of that type: --param name=value.",
    "TIMEOUT_EXCEEDED": "Ask for fewer days, members or sessions.",
    "MEMORY_LIMIT_EXCEEDED": "Ask for fewer days, members or sessions.",
}
"""By the server's name for the fault."""
OTHERWISE = "Correct the question and ask again."


@dataclass(frozen=True)
class Answer:
    """Names, types and the first rows; `more` when there were others."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool


class Analyst:
    """One connection. Raises PacelineError for everything that the warehouse or the way to it refuses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with self._in_sentences():
            self._client: Client = open_client(settings, "analyst", connect_timeout=5, send_receive_timeout=120, query_limit=0)

    @property
    def server_version(self) -> str:
        return str(self._client.server_version)

    def ask(self, sql: str, parameters: Mapping[str, str] | None = None, *, at_most: int) -> Answer:
        """The first rows of the answer."""
        rows: list[tuple[Any, ...]] = []
        with (
            self._in_sentences(),
            self._client.query_row_block_stream(_single(sql), parameters=dict(parameters or {})) as blocks,
        ):
            source = blocks.source
            for block in blocks:
                rows.extend(tuple(row) for row in block)
                if len(rows) > at_most:
                    break
            types = tuple(kind.name for kind in source.column_types)
            return Answer(tuple(source.column_names), types, rows[:at_most], len(rows) > at_most)

    def stream(self, sql: str, form: str, parameters: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """The answer's bytes in a format of ClickHouse, as they come."""
        with self._in_sentences():
            body: Any = self._client.raw_stream(_single(sql), parameters=dict(parameters or {}), fmt=form)
            with body:
                while piece := body.read(1 << 16):
                    yield piece

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _in_sentences(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as failure:
            if AUTHENTICATION_FAILED in str(failure) or "DB::Exception" not in str(failure):
                raise refused(self._settings, "analyst", failure) from None
            raise sentence(str(failure)) from None
        except (ClickHouseError, HTTPError, OSError) as failure:
            raise refused(self._settings, "analyst", failure) from None


def sentence(said: str) -> PacelineError:
    """What the server said about a question, without its numbers and addresses, and what to do."""
    found = SAID.search(said)
    if found is None:
        return PacelineError(said.splitlines()[0] if said else "The warehouse refused the question", OTHERWISE)
    what = AROUND.sub("", found["what"]).strip().removesuffix(".")
    what = re.sub(r"\s*FORMAT Native\b|\. Expected one of: .*$", "", what, flags=re.DOTALL)
    return PacelineError(" ".join(what.split()), REMEDIES.get(found["code"], OTHERWISE))


def _single(sql: str) -> str:
    return sql.strip().rstrip(";").rstrip()
