"""PostgreSQL's tables into files and back: COPY, which every server speaks, in one snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from backports import zstd
from psycopg import sql

from infra.backup.archive import Archive, ArchiveWriter, Progress
from infra.errors import PacelineError, Unavailable
from infra.postgres import open_connection, unreachable
from infra.settings import Settings

FOLDER, ENDING = "postgres", ".copy.zst"
PIECE_BYTES = 1_048_576
PATIENCE = "10s"
REVISIONS = "alembic_version"
OUTBOX = "outbox"
TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> %s ORDER BY 1"""
REFERENCES = """
    SELECT source.relname, target.relname FROM pg_constraint k
    JOIN pg_class source ON source.oid = k.conrelid JOIN pg_class target ON target.oid = k.confrelid
    WHERE k.contype = 'f' AND source.oid <> target.oid"""
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


@contextmanager
def connected(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection; what the server says of it is for people."""
    try:
        with open_connection(settings) as connection:
            yield connection
    except psycopg.OperationalError as failure:
        raise unreachable(failure) from None


@contextmanager
def nothing_owed_meanwhile(settings: Settings) -> Iterator[None]:
    """Inside, nobody adds to the outbox and nobody marks it: what it says and what the topics hold then fit together."""
    with connected(settings) as connection, connection.transaction():
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(PATIENCE))
        try:
            connection.execute(f"LOCK TABLE {OUTBOX} IN EXCLUSIVE MODE")
        except psycopg.errors.LockNotAvailable:
            remedy = "Somebody holds a transaction open on it: try again."
            raise Unavailable(f"The table {OUTBOX} was not free within {PATIENCE}", remedy) from None
        yield


@contextmanager
def frozen(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection that sees the tables as they were when the block began, whatever happens to them meanwhile."""
    with connected(settings) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            connection.execute("SELECT 1")
            yield connection


def revision(connection: psycopg.Connection) -> str:
    """Which migration the tables have reached."""
    found = connection.execute(f"SELECT version_num FROM {REVISIONS}").fetchone()  # noqa: S608 - a name of ours
    return str(found[0]) if found else ""


def sequences(connection: psycopg.Connection) -> dict[str, int]:
    """The last number that each has given, so that none is ever given again."""
    return {name: int(last) for name, last in connection.execute(SEQUENCES).fetchall()}


def export(connection: psycopg.Connection, archive: ArchiveWriter, progress: Progress) -> None:
    """Every table into a file of its own."""
    tables = _tables(connection)
    for done, table in enumerate(tables):
        progress("people and classes", done, len(tables))
        name = f"{FOLDER}/{table}{ENDING}"
        copy = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), _columns(connection, table))
        with zstd.open(archive.file(name), "wb") as file, connection.cursor() as cursor:
            with cursor.copy(copy) as rows:
                for piece in rows:
                    file.write(bytes(piece))
            rows_copied = cursor.rowcount
        if rows_copied:
            archive.written(name, rows_copied)
        else:
            archive.file(name).unlink()  # a compressed nothing is no file of its format
    progress("people and classes", len(tables), len(tables))


def filled(settings: Settings) -> list[str]:
    """The tables that hold anything."""
    with connected(settings) as connection:
        found = _tables(connection)
        asked = sql.SQL("SELECT EXISTS (SELECT FROM {})")
        return [t for t in found if connection.execute(asked.format(sql.Identifier(t))).fetchone() == (True,)]


def restore(settings: Settings, archive: Archive, progress: Progress) -> None:
    """Fill the empty tables, all or none."""
    with connected(settings) as connection, connection.transaction():
        present = _parents_first(_tables(connection), connection.execute(REFERENCES).fetchall())
        unknown = {name.removeprefix(f"{FOLDER}/").removesuffix(ENDING) for name in archive.names(FOLDER)} - set(present)
        if unknown:
            raise PacelineError(f"The backup has tables that this program does not know: {', '.join(sorted(unknown))}")
        for done, table in enumerate(present):
            progress("people and classes", done, len(present))
            if f"{FOLDER}/{table}{ENDING}" in archive.manifest.files:
                _fill(connection, archive, table)
        for sequence, value in archive.manifest.sequences.items():
            connection.execute("SELECT setval(%s::regclass, %s)", [sql.Identifier(sequence).as_string(connection), value])
        progress("people and classes", len(present), len(present))


def _fill(connection: psycopg.Connection, archive: Archive, table: str) -> None:
    name = f"{FOLDER}/{table}{ENDING}"
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _columns(connection, table))
    with zstd.open(archive.path(name), "rb") as file, connection.cursor() as cursor:
        with cursor.copy(copy) as rows:
            while piece := file.read(PIECE_BYTES):
                rows.write(piece)
        if cursor.rowcount != archive.rows(name):
            raise PacelineError(f"PostgreSQL took {cursor.rowcount} rows of {table} instead of {archive.rows(name)}")


def _tables(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute(TABLES, [REVISIONS]).fetchall()]


def _columns(connection: psycopg.Connection, table: str) -> sql.Composed:
    found = connection.execute(COLUMNS, [f'public."{table}"']).fetchall()
    return sql.SQL(", ").join(sql.Identifier(row[0]) for row in found)


def _parents_first(tables: list[str], references: list[tuple[str, str]]) -> list[str]:
    """So that no row names one that is not there yet."""
    waiting = {table: {parent for child, parent in references if child == table} for table in tables}
    order: list[str] = []
    while waiting:
        free = [table for table, parents in waiting.items() if not parents - set(order)]
        if not free:
            raise PacelineError(f"These tables refer to each other in a circle: {', '.join(waiting)}")
        order += free
        waiting = {table: parents for table, parents in waiting.items() if table not in free}
    return order
