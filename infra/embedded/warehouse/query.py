"""One query from its arguments to its response: which statement, whose right, which lane, which way out."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from chdb.state.sqlitelike import Connection

from infra.embedded.warehouse import execution, permissions
from infra.embedded.warehouse.bridge import Abandoned, Bridge
from infra.embedded.warehouse.compression import Packer, packer
from infra.embedded.warehouse.connections import Connections
from infra.embedded.warehouse.engine import REMEMBERED, REMEMBERED_BYTES, Effect, Engine, quote_name
from infra.embedded.warehouse.errors import SYNTAX_ERROR, QueryFailed
from infra.embedded.warehouse.execution import Outcome
from infra.embedded.warehouse.formats import DESCRIBING_FORMAT, empty_native_block, is_separable
from infra.embedded.warehouse.request import Arguments
from infra.embedded.warehouse.sessions import Session
from infra.embedded.warehouse.statement import Insert, Statement, read_statement
from infra.embedded.warehouse.users import User


@dataclass(frozen=True)
class Query:
    """A request that has passed every check and may run."""

    user: User
    arguments: Arguments
    statement: Statement | Insert
    effect: Effect
    reads_only: bool
    coding: str | None

    @property
    def output_format(self) -> str:
        own = self.statement.output_format if isinstance(self.statement, Statement) else None
        return own or self.arguments.default_format or "TabSeparated"

    @property
    def writes(self) -> bool:
        return self.effect not in (Effect.READS, Effect.UNREADABLE)

    @property
    def changes_nothing(self) -> bool:
        """Whether its connection is afterwards as it was before: a reader's plain question."""
        return not self.user.writes and self.effect is Effect.READS and not self.arguments.settings

    @property
    def streams(self) -> bool:
        return (
            isinstance(self.statement, Statement)
            and self.effect is Effect.READS
            and self.statement.streams
            and not self.arguments.wait_for_end
            and is_separable(self.output_format)
        )


def prepare(engine: Engine, user: User, arguments: Arguments, body: bytes, *, reads_only: bool, coding: str | None) -> Query:
    """Decide what a request is. Raises QueryFailed when it may not run."""
    statement = _read(arguments.query, body)
    words: tuple[bytes, ...]
    if isinstance(statement, Insert):
        # It answers with an empty body, which is no valid frame of any coding.
        effect, words, coding = Effect.WRITES, (b"INSERT",), None
    else:
        effect, words = engine.effect(_decode(statement.sql)), statement.words
    permissions.check_permission(user, effect, words, reads_only=reads_only)
    return Query(user, arguments, statement, effect, reads_only, coding)


def _read(text: bytes, body: bytes) -> Statement | Insert:
    """Questions come again word for word, so the short ones are taken apart once; inserts bring new data each time."""
    short = not (text and body) and len(text or body) <= REMEMBERED_BYTES
    if short and (text or body).lstrip()[:6].upper() != b"INSERT":
        return _remembered(text, body)
    return read_statement(text, body)


_remembered = lru_cache(maxsize=REMEMBERED)(read_statement)


@dataclass(frozen=True)
class WayOut:
    """Where a streamed result goes. `tag` marks a failure written into it, so no result can contain one by accident."""

    bridge: Bridge
    tag: str


@contextmanager
def _connected(connections: Connections, query: Query, session: Session | None) -> Iterator[Connection]:
    arguments = query.arguments
    if session is None or not query.user.writes:
        database = _database(arguments, session)
        if query.changes_nothing:
            with connections.standing(query.user, database) as connection:
                yield connection
            return
        with connections.fresh(database) as connection:
            execution.apply_settings(connection, arguments.settings, query.user, readonly=_readonly(query))
            yield connection
        return
    if session.connection is None:
        session.connection = connections.fresh("")
    connection = session.connection
    if arguments.database and arguments.database != session.asked_database:
        execution.run(connection, f"USE {quote_name(arguments.database)}")
        session.asked_database = arguments.database
    before = execution.changed_values(connection, arguments.settings) if arguments.settings else {}
    try:
        execution.apply_settings(connection, arguments.settings, query.user, readonly=0)
        yield connection
    finally:
        execution.restore_values(connection, before)


def _database(arguments: Arguments, session: Session | None) -> str:
    if session is None:
        return arguments.database
    if arguments.database != session.asked_database:
        session.asked_database = session.database = arguments.database
    return session.database


def _readonly(query: Query) -> int:
    if not query.user.writes or query.effect is Effect.UNREADABLE:
        return execution.READONLY_STRICT
    if query.reads_only:
        return execution.READONLY_WITH_SETTINGS
    return query.arguments.readonly


def run_whole(connections: Connections, query: Query, session: Session | None) -> Outcome:
    """Run to the end and keep the result in memory."""
    given = query.arguments.parameters
    with _connected(connections, query, session) as connection:
        if isinstance(query.statement, Insert):
            return execution.insert(connection, query.statement, given)
        outcome = execution.run(connection, _decode(query.statement.sql), query.output_format, given)
        if not outcome.data and query.effect is Effect.READS and query.output_format.lower() == "native":
            described = execution.run(connection, _decode(query.statement.bare), DESCRIBING_FORMAT, given).data
            outcome = replace(outcome, data=empty_native_block(described))
        if session and query.statement.words[:1] == (b"USE",):
            session.database = (
                execution.run(connection, "SELECT currentDatabase()", "TabSeparatedRaw").data.decode().rstrip("\n")
            )
    return _packed(outcome, query.coding)


def run_streaming(connections: Connections, query: Query, session: Session | None, way_out: WayOut) -> Outcome | None:
    """Run and hand the result over piece by piece; an Outcome when there turned out to be less than two pieces.

    Raises QueryFailed only before the first piece or when the client stalls; a later failure of the engine is written into the
    result, as ClickHouse does.
    """
    sql, given = _decode(_text(query.statement)), query.arguments.parameters
    try:
        with (
            _connected(connections, query, session) as connection,
            closing(execution.pieces(connection, sql, query.output_format, given)) as found,
        ):
            first = next(found, None)
            second = next(found, None) if first else None
            if first and second:
                _hand_over_all(chain((first, second), found), packer(query.coding) if query.coding else None, way_out)
    except (Abandoned, _ToldInside):
        return None
    if first is None:
        # The engine gives no piece for no rows, but some formats have a header to show.
        return run_whole(connections, query, session)
    return None if second else _packed(first, query.coding)


def _packed(outcome: Outcome, coding: str | None) -> Outcome:
    if not coding:
        return outcome
    packing = packer(coding)
    return replace(outcome, data=packing.compress(outcome.data) + packing.flush())


class _ToldInside(Exception):
    """The query failed after its result had begun; the result says so."""


def _hand_over_all(pieces: Iterable[Outcome], packing: Packer | None, way_out: WayOut) -> None:
    put = way_out.bridge.put
    try:
        for piece in _with_failure(pieces, way_out.tag):
            put(packing.compress(piece) if packing else piece)
    except _ToldInside:
        if packing:
            put(packing.flush())
        raise
    if packing:
        put(packing.flush())


def _with_failure(pieces: Iterable[Outcome], tag: str) -> Iterator[bytes]:
    try:
        for piece in pieces:
            yield piece.data
    except QueryFailed as failure:
        yield failure_block(failure, tag)
        raise _ToldInside from failure


def _text(statement: Statement | Insert) -> bytes:
    return statement.head if isinstance(statement, Insert) else statement.sql


def failure_block(failure: QueryFailed, tag: str) -> bytes:
    """What ClickHouse writes into a result that failed after it had begun."""
    message = failure.message.encode()
    return b"__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (tag.encode(), message, len(message) + 1, tag.encode())


def _decode(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError:
        raise QueryFailed(SYNTAX_ERROR, "The query is not UTF-8.") from None
