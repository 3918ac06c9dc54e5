"""One request's SQL taken apart: a statement, or the head of an INSERT and the data that follow it.

The engine parses what it is given as a script. Data of an INSERT must therefore never reach it as text: a line of them could
become a statement. They are cut off here, where ClickHouse's own parser would, and given to the engine as a stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.embedded.warehouse.errors import ACCESS_DENIED, NOT_IMPLEMENTED, QUERY_IS_TOO_LARGE, SYNTAX_ERROR, QueryFailed
from infra.embedded.warehouse.forbidden import refuse_forbidden_names
from infra.embedded.warehouse.tokens import Kind, Token, significant

_OPEN, _CLOSE = (b"(", b"[", b"{"), (b")", b"]", b"}")
_NAMES = (Kind.WORD, Kind.QUOTED)
_BEHIND_FORMAT: tuple[tuple[bytes, ...], ...] = ((), (b"SETTINGS",), (b"INTO",))
# Its data are expressions of SQL.
_VALUES = "Values"
VALUES_LIMIT_BYTES = 16 * 1024 * 1024
# The engine's own default.
STATEMENT_LIMIT_BYTES = 262_144


@dataclass(frozen=True)
class Statement:
    """A whole statement. `output_format` is its own FORMAT clause, if any; `bare` is the same statement without it."""

    sql: bytes
    words: tuple[bytes, ...]
    output_format: str | None
    bare: bytes

    @property
    def streams(self) -> bool:
        """Only a SELECT can be fetched piece by piece."""
        return self.words[:1] in ((b"SELECT",), (b"WITH",), (b"FROM",), (b"(",))


@dataclass(frozen=True)
class Insert:
    """`head` is INSERT INTO … without its FORMAT or VALUES; `data` is in `input_format`, in pieces."""

    head: bytes
    input_format: str
    data: tuple[memoryview, ...]


def read_statement(text: bytes, body: bytes = b"") -> Statement | Insert:
    """Take apart what a request carries: `text` from its address and then its `body`, as ClickHouse does.

    Raises QueryFailed for more than one statement, for forbidden names, and for an INSERT of anything but data into a table.
    """
    for whole, rest in ((text, body), (text + b"\n" + body, b"")) if text and body else ((text or body, b""),):
        insert = _read_insert(whole, rest)
        if insert:
            return insert
    return _read_whole(whole)


def _read_insert(sql: bytes, rest: bytes) -> Insert | None:
    tokens = significant(sql)
    first = next(tokens, None)
    if first is None or first.keyword != b"INSERT":
        return None
    token = _after_table_name(tokens)
    depth = 0
    while token:
        depth += (token.text in _OPEN) - (token.text in _CLOSE) if token.kind is Kind.SIGN else 0
        if depth == 0 and token.kind is Kind.WORD:
            start = token.end - len(token.text)
            match token.keyword:
                case b"SELECT" | b"WITH" | b"WATCH":
                    return None
                case b"FROM":
                    raise QueryFailed(ACCESS_DENIED, "INSERT … FROM INFILE would read the server's files: send the data.")
                case b"VALUES":
                    return _insert(sql, start, token.end, _VALUES, rest)
                case b"FORMAT":
                    name = next(tokens, None)
                    if name and name.kind in _NAMES:
                        return _insert(sql, start, _data_start(sql, name.end), name.text.strip(b'"`').decode(), rest)
        token = next(tokens, None)
    return None


def _after_table_name(tokens: Iterator[Token]) -> Token | None:
    """The first token behind INSERT [INTO] [TABLE] name[.name], where keywords may begin."""
    token = next(tokens, None)
    while token and token.keyword in (b"INTO", b"TABLE"):
        token = next(tokens, None)
    if token and token.keyword == b"FUNCTION":
        raise QueryFailed(ACCESS_DENIED, "INSERT INTO FUNCTION would write outside the warehouse.")
    while token:
        if token.text == b"{":
            while token and token.text != b"}":
                token = next(tokens, None)
        token = next(tokens, None)
        if token is None or token.text != b".":
            return token
        token = next(tokens, None)
    return None


def _data_start(sql: bytes, position: int) -> int:
    """Where ClickHouse lets the data begin: behind blanks and at most one end of line after the format's name."""
    if sql[position : position + 1] == b";":
        raise QueryFailed(SYNTAX_ERROR, "There must be no ';' between the format's name and the data.")
    while sql[position : position + 1] in (b" ", b"\t", b"\f"):
        position += 1
    if sql[position : position + 1] == b"\r":
        position += 1
    if sql[position : position + 1] == b"\n":
        position += 1
    return position


def _insert(sql: bytes, head_end: int, data_start: int, input_format: str, rest: bytes) -> Insert:
    head = sql[:head_end]
    refuse_forbidden_names(head)
    if input_format.lower() == _VALUES.lower():
        for data, start in ((sql, data_start), (rest, 0)):
            _refuse_second_statement(data, start)
    pieces = (memoryview(sql)[data_start:], memoryview(rest))
    return Insert(head, input_format, tuple(piece for piece in pieces if len(piece)))


def _refuse_second_statement(data: bytes, start: int) -> None:
    if len(data) - start > VALUES_LIMIT_BYTES:
        raise QueryFailed(QUERY_IS_TOO_LARGE, f"VALUES of more than {VALUES_LIMIT_BYTES} bytes: use another format.")
    refuse_forbidden_names(data, start)
    if b";" not in data:
        return
    tokens = significant(data, start)
    if any(token.text == b";" for token in tokens) and next(tokens, None):
        raise QueryFailed(SYNTAX_ERROR, "Multi-statements are not allowed.")


def _read_whole(sql: bytes) -> Statement:
    if len(sql) > STATEMENT_LIMIT_BYTES:
        raise QueryFailed(SYNTAX_ERROR, f"Max query size exceeded: more than {STATEMENT_LIMIT_BYTES} bytes.")
    tokens = list(significant(sql))
    backs_up = bool(tokens) and tokens[0].keyword in (b"BACKUP", b"RESTORE")
    refuse_forbidden_names(sql, allowed=b"DISK" if backs_up else b"")
    while tokens and tokens[-1].text == b";":
        tokens.pop()
    if not tokens:
        raise QueryFailed(SYNTAX_ERROR, "Empty query.")
    if any(token.text == b";" for token in tokens):
        raise QueryFailed(SYNTAX_ERROR, "Multi-statements are not allowed.")
    top = _top_level(tokens)
    words = tuple(token.keyword for token in top)
    formats = [index for index in range(1, len(top) - 1) if words[index] == b"FORMAT" and top[index + 1].kind in _NAMES]
    inserts = words[:1] == (b"INSERT",) or (b"INSERT" in words and b"INTO" in words)
    if inserts and (formats or b"VALUES" in words):
        raise QueryFailed(NOT_IMPLEMENTED, "Data may follow only INSERT INTO table FORMAT … or VALUES …, not a SELECT.")
    closing = [index for index in formats if words[index + 2 : index + 3] in _BEHIND_FORMAT]
    if not closing:
        return Statement(sql, words, None, sql)
    keyword, name = top[closing[-1]], top[closing[-1] + 1]
    bare = sql[: keyword.end - len(keyword.text)] + sql[name.end :]
    return Statement(sql, words, name.text.strip(b'"`').decode(), bare)


def _top_level(tokens: Sequence[Token]) -> list[Token]:
    depth, top = 0, []
    for token in tokens:
        closes = token.kind is Kind.SIGN and token.text in _CLOSE
        opens = token.kind is Kind.SIGN and token.text in _OPEN
        depth -= closes
        if depth == 0 and not closes:
            top.append(token)
        depth += opens
    return top
