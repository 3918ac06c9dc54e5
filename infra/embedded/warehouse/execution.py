"""Runs one prepared request on the engine, in a lane's thread."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import orjson
from chdb.state.sqlitelike import Connection

from infra.embedded.warehouse.engine import quote_name, quote_text
from infra.embedded.warehouse.errors import NOT_ENOUGH_SPACE, QueryFailed, from_engine
from infra.embedded.warehouse.statement import Insert
from infra.embedded.warehouse.users import User

_PIECE_BYTES = 1024 * 1024
_FAILED_WRITES = {
    b"NOT_ENOUGH_SPACE",
    b"CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    b"CANNOT_OPEN_FILE",
    b"CANNOT_CLOSE_FILE",
    b"STD_EXCEPTION",
}
_ERRORS_SQL = "SELECT name, value FROM system.errors SETTINGS max_threads = 1"
READONLY_STRICT, READONLY_WITH_SETTINGS = 1, 2


@dataclass(frozen=True)
class Outcome:
    """A result as a whole, with what the engine counted."""

    data: bytes
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_s: float = 0


def apply_settings(connection: Connection, settings: Mapping[str, str], user: User, *, readonly: int) -> None:
    """Give the connection the user's limits, then the request's settings, and read-only mode last of all."""
    values = {name: str(limit) for name, limit in user.limits.items()} | dict(settings)
    if readonly:
        values["readonly"] = str(readonly)
    set_values(connection, values)


def set_values(connection: Connection, values: Mapping[str, str]) -> None:
    """One SET for all of them."""
    if values:
        run(connection, "SET " + ", ".join(f"{quote_name(name)} = {quote_text(value)}" for name, value in values.items()))


def changed_values(connection: Connection, names: Mapping[str, str]) -> dict[str, str | None]:
    """What these settings are now in this connection, None where nobody has changed them."""
    asked = ", ".join(quote_text(name) for name in names)
    sql = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({asked})"  # noqa: S608 - quoted above
    found = run(connection, sql, "JSONCompactEachRow")
    known = dict(orjson.loads(line) for line in found.data.splitlines())
    return {name: known.get(name) for name in names}


def restore_values(connection: Connection, values: Mapping[str, str | None]) -> None:
    """Undo what a request has set in a connection that outlives it."""
    parts = [f"{name} = {'DEFAULT' if value is None else quote_text(value)}" for name, value in values.items()]
    if parts:
        run(connection, "SET " + ", ".join(parts))


def run(
    connection: Connection, sql: str, output_format: str = "TabSeparated", parameters: Mapping[str, str] | None = None
) -> Outcome:
    """The whole result of one statement. Its parameters hold for itself only."""
    try:
        result = connection.query(sql, output_format, params=parameters)
        return Outcome(
            data=bytes(result.bytes() or b""),
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            elapsed_s=result.elapsed(),
        )
    except RuntimeError as failure:
        raise from_engine(failure) from None


def insert(connection: Connection, statement: Insert, parameters: Mapping[str, str]) -> Outcome:
    """Insert the data, all or nothing. The parameters stay in the connection.

    The engine's streaming insert reports success although its last step failed for want of disk space. So what the engine has
    counted of such failures is compared: one too many answers only costs a repetition, which tables that replace by key take.
    """
    set_values(connection, {f"param_{name}": value for name, value in parameters.items()})
    failed_before = _failed_writes(connection)
    outcome = _insert(connection, statement)
    if _failed_writes(connection) != failed_before:
        raise QueryFailed(NOT_ENOUGH_SPACE, "The disk did not take what was inserted: not enough space, or it fails.")
    return outcome


def _failed_writes(connection: Connection) -> int:
    """Counted from the few rows there are: as a condition in SQL it made threads of its own and cost three times as much."""
    pairs = (line.split(b"\t") for line in run(connection, _ERRORS_SQL).data.splitlines())
    return sum(int(value) for name, value in pairs if name in _FAILED_WRITES)


def _insert(connection: Connection, statement: Insert) -> Outcome:
    try:
        with connection.send_insert(statement.head.decode(), statement.input_format) as inserter:
            for piece in statement.data:
                for start in range(0, len(piece), _PIECE_BYTES):
                    inserter.append(piece[start : start + _PIECE_BYTES])
            result = inserter.finish()
        return Outcome(b"", written_rows=result.rows_written, written_bytes=result.bytes_written, elapsed_s=result.elapsed)
    except RuntimeError as failure:
        raise from_engine(failure) from None


def pieces(connection: Connection, sql: str, output_format: str, parameters: Mapping[str, str]) -> Generator[Outcome]:
    """The result piece by piece. Closing the iterator early stops the query."""
    try:
        with connection.send_query(sql, output_format, params=parameters) as stream:
            for piece in stream:
                yield Outcome(
                    data=bytes(piece.bytes()),
                    read_rows=piece.storage_rows_read(),
                    read_bytes=piece.storage_bytes_read(),
                    elapsed_s=piece.elapsed(),
                )
    except RuntimeError as failure:
        raise from_engine(failure) from None
