"""What a user may ask the engine to do, decided from the statement's first words and the engine's own judgement of it."""

from collections.abc import Sequence

from infra.embedded.warehouse.engine import Effect
from infra.embedded.warehouse.errors import ACCESS_DENIED, READONLY, QueryFailed
from infra.embedded.warehouse.users import User

# Of the statements that control the server; the engine's grants narrow them further.
_WRITER_CONTROLS = {b"SET", b"USE", b"KILL", b"SYSTEM", b"BACKUP", b"RESTORE"}
_TEMPORARY = (b"CREATE", b"TEMPORARY")
_WRITES = {
    b"ALTER",
    b"CREATE",
    b"DELETE",
    b"DETACH",
    b"DROP",
    b"EXCHANGE",
    b"INSERT",
    b"OPTIMIZE",
    b"RENAME",
    b"TRUNCATE",
    b"UNDROP",
    b"UPDATE",
    b"WITH",
    b"ATTACH",
}


def check_permission(user: User, effect: Effect, words: Sequence[bytes], *, reads_only: bool) -> None:
    """Raise QueryFailed when this statement is not this user's to run; a request that `reads_only` may change nothing."""
    first = words[0] if words else b""
    if effect in (Effect.READS, Effect.UNREADABLE):
        return
    if effect is Effect.CONTROLS and first == b"USE":
        return
    shown = first.decode(errors="replace")[:20]
    if reads_only or not user.writes:
        if effect is Effect.WRITES or first in (b"SET", b"CREATE"):
            raise QueryFailed(READONLY, f"{user.name}: Cannot execute query in readonly mode.")
        raise QueryFailed(ACCESS_DENIED, f"{user.name}: Not enough privileges for {shown}.")
    if effect is Effect.WRITES and first in _WRITES:
        return
    if effect is Effect.CONTROLS and (first in _WRITER_CONTROLS or tuple(words[:2]) == _TEMPORARY):
        return
    raise QueryFailed(ACCESS_DENIED, f"{user.name}: Not enough privileges for {shown}.")
