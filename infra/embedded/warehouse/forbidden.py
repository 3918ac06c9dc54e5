"""Names that no statement may use, because the engine would reach outside the warehouse through them.

Grants close what grants can close (see configuration.py). Left open are the scalar function `file`, which reads any file of the
machine, `Python`, which reads variables of this process, `Executable` tables, which run programs, `eval`, whose statement
hides in a string, and `disk = disk(…)`, which makes a folder before it asks whether it may. They are refused wherever the name
stands, not only before a parenthesis: `* APPLY(file)` and `arrayMap(file, …)` call it too. A dialect other than ClickHouse's
would make this check read a different language.
"""

import re

from infra.embedded.warehouse.errors import ACCESS_DENIED, QueryFailed
from infra.embedded.warehouse.tokens import Kind, Token, tokenize

_NAMES = rb"file|python|executable|executablepool|eval|dialect|disk|allow_experimental_eval_table_function"
_SUSPECT = re.compile(rb"(?i)(?<![a-z0-9_$])(?:" + _NAMES + rb")(?![a-z0-9_$])")
_ESCAPED_NAME = re.compile(rb"[\"`]|\xe2\x80\x9c")
_NAME = re.compile(rb"(?i)(?:" + _NAMES + rb")")
_QUOTE = re.compile(rb"['\"`]|\xe2\x80[\x98\x99\x9c\x9d]")


def refuse_forbidden_names(sql: bytes, start: int = 0, *, allowed: bytes = b"") -> None:
    """Raise QueryFailed when the text from `start` names one of them in any spelling, except `allowed` as a plain word.

    A statement without these letters, and without a backslash in a quoted name, cannot spell them: most are done after one
    search. In the others, whatever could make the engine read the text differently from this tokenizer (escapes inside quoted
    names, quotes inside comments) is refused as well: a doubtful statement is not run.
    """
    escapes = sql.find(b"\\", start) >= 0 and _ESCAPED_NAME.search(sql, start)
    if not escapes and not _SUSPECT.search(sql, start):
        return
    for token in tokenize(sql, start):
        if _is_forbidden(token) and not (allowed and token.keyword == allowed):
            shown = token.text[:40].decode(errors="replace")
            raise QueryFailed(ACCESS_DENIED, f"Not enough privileges: {shown} is not available in this warehouse.")


def _is_forbidden(token: Token) -> bool:
    if token.kind is Kind.WORD:
        return _NAME.fullmatch(token.text) is not None
    if token.kind is Kind.QUOTED:
        return b"\\" in token.text or _NAME.fullmatch(_unquoted(token.text)) is not None
    if token.kind is Kind.COMMENT:
        return _QUOTE.search(token.text) is not None and _NAME.search(token.text) is not None
    return token.text.startswith(b"$") and _NAME.search(token.text) is not None


def _unquoted(name: bytes) -> bytes:
    return name[3:-3] if name.startswith(b"\xe2") else name[1:-1]
