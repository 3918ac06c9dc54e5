"""Names that no statement may use, because the engine would reach outside the warehouse through them.

Grants close what grants can close (see configuration.py). Left open are the scalar function `file`, which reads any file of the
machine, `Python`, which reads variables of this process, `Executable` tables, which run programs, and `eval`, whose statement
hides in a string. They are refused wherever the name stands, not only before a parenthesis: `* APPLY(file)` and
`arrayMap(file, …)` call it too. A dialect other than ClickHouse's would make this check read a different language.
"""

import re

from infra.embedded.warehouse.errors import ACCESS_DENIED, QueryFailed
from infra.embedded.warehouse.tokens import Kind, Token, tokenize

_NAMES = rb"file|python|executable|executablepool|eval|dialect|allow_experimental_eval_table_function"
_SUSPECT = re.compile(rb"(?i)(?<![a-z0-9_$])(?:" + _NAMES + rb")(?![a-z0-9_$])|\\")
_NAME = re.compile(rb"(?i)(?:" + _NAMES + rb")")
_QUOTE = re.compile(rb"['\"`]|\xe2\x80[\x98\x99\x9c\x9d]")


def refuse_forbidden_names(sql: bytes, start: int = 0) -> None:
    """Raise QueryFailed when the text from `start` names one of them in any spelling.

    A statement without these letters and without a backslash cannot spell them, so most are done after one search. In the
    others, whatever could make the engine read the text differently from this tokenizer (escapes inside quoted names, quotes
    inside comments) is refused as well: a doubtful statement is not run.
    """
    if not _SUSPECT.search(sql, start):
        return
    for token in tokenize(sql, start):
        if _is_forbidden(token):
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
