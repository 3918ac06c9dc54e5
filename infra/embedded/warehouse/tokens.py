"""ClickHouse's lexical rules, as far as it takes to see where a statement ends and which names it uses.

Works on bytes, because the data of an INSERT follow its text directly and need not be text.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from infra.embedded.warehouse.errors import SYNTAX_ERROR, QueryFailed


class Kind(Enum):
    """What a token is, in the only distinctions that matter here."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    COMMENT = "comment"
    SIGN = "sign"


class Token(NamedTuple):
    """One token with its place."""

    kind: Kind
    text: bytes
    end: int

    @property
    def keyword(self) -> bytes:
        """In capitals when it is a bare word or a sign, empty when it cannot be a keyword."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.SIGN) else b""


# Possessive quantifiers keep every alternative linear.
_TOKEN = re.compile(
    rb"""
      (?P<space>   [ \t\n\r\f\v]++ )
    | (?P<comment> (?: -- | // | \#[\ !] ) [^\n]*+ )
    | (?P<opened>  /\* )
    | (?P<string>  '(?: [^'\\]++ | \\. | '' )*+'
                   | \xe2\x80\x98 (?: (?!\xe2\x80\x99) . )*+ \xe2\x80\x99 )
    | (?P<quoted>  "(?: [^"\\]++ | \\. | "" )*+"
                   | `(?: [^`\\]++ | \\. | `` )*+`
                   | \xe2\x80\x9c (?: (?!\xe2\x80\x9d) . )*+ \xe2\x80\x9d )
    | (?P<tag>     \$ [^$]*+ \$ )
    | (?P<word>    [A-Za-z0-9_$]++ )
    | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD_OR_SIGN = re.compile(rb"[A-Za-z0-9_$]++|.", re.DOTALL)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_OPENERS = (b"'", b'"', b"`")
_KINDS = {
    "comment": Kind.COMMENT,
    "string": Kind.STRING,
    "quoted": Kind.QUOTED,
    "word": Kind.WORD,
    "sign": Kind.SIGN,
}


def tokenize(sql: bytes, start: int = 0) -> Iterator[Token]:
    """The tokens of `sql`, comments included, white space not. Lazy: it looks no further than the last token asked for.

    Raises QueryFailed where a quote or comment is never closed.
    """
    position, tags = start, _Tags(sql)
    while found := _TOKEN.match(sql, position):
        position = found.end()
        name = found.lastgroup
        if name == "space":
            continue
        if name == "opened":
            position = _comment_end(sql, position)
            yield Token(Kind.COMMENT, sql[found.start() : position], position)
            continue
        if name == "tag":
            token = tags.token(found)
            position = token.end
            yield token
            continue
        text = found[0]
        if name == "sign" and text in _OPENERS:
            raise QueryFailed(SYNTAX_ERROR, f"A quote that opens at byte {found.start()} is not closed.")
        yield Token(_KINDS[str(name)], text, position)


def significant(sql: bytes, start: int = 0) -> Iterator[Token]:
    """The tokens without comments."""
    return (token for token in tokenize(sql, start) if token.kind is not Kind.COMMENT)


class _Tags:
    """Strings between two equal $tags$. One pass over the text tells which tags come again, so that no search is in vain."""

    def __init__(self, sql: bytes) -> None:
        self._sql = sql
        self._last: dict[bytes, int] | None = None

    def token(self, tag: re.Match[bytes]) -> Token:
        """The string that this tag opens, or what stands there when the tag does not come again."""
        if self._last is None:
            signs = [found.start() for found in re.finditer(rb"\$", self._sql)]
            self._last = {self._sql[start : end + 1]: start for start, end in pairwise(signs)}
        if self._last[tag[0]] >= tag.end():
            end = self._sql.index(tag[0], tag.end()) + len(tag[0])
            return Token(Kind.STRING, self._sql[tag.start() : end], end)
        found = _WORD_OR_SIGN.match(self._sql, tag.start())
        text = found[0] if found else tag[0]
        return Token(Kind.WORD if len(text) > 1 else Kind.SIGN, text, tag.start() + len(text))


def _comment_end(sql: bytes, position: int) -> int:
    depth = 1
    while edge := _COMMENT_EDGE.search(sql, position):
        position = edge.end()
        depth += 1 if edge[0] == b"/*" else -1
        if depth == 0:
            return position
    raise QueryFailed(SYNTAX_ERROR, "A comment is not closed.")
