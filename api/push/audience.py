"""Who reads one channel, so that news wakes those it concerns and nobody else."""

from collections.abc import Collection, Iterable

from api.push.connection import Connection
from api.push.subscriptions import MetricsReader, Reader


class Audience:
    """Readers of one channel. Of metrics, a member is shown their own row only: most news of a class is not for them."""

    def __init__(self) -> None:
        self.everyone: dict[str, Connection] = {}
        self._of_all: dict[str, Connection] = {}
        self._of_own_row: dict[int, dict[str, Connection]] = {}

    def put(self, connection: Connection, reader: Reader) -> None:
        self.everyone[connection.id] = connection
        if isinstance(reader, MetricsReader) and reader.member_id is not None:
            self._of_own_row.setdefault(reader.member_id, {})[connection.id] = connection
        else:
            self._of_all[connection.id] = connection

    def drop(self, connection: Connection) -> None:
        self.everyone.pop(connection.id, None)
        self._of_all.pop(connection.id, None)
        member_id = connection.principal.user_id
        theirs = self._of_own_row.get(member_id, {})
        theirs.pop(connection.id, None)
        if not theirs:
            self._of_own_row.pop(member_id, None)

    def concerned(self, members: Collection[int] | None) -> Iterable[dict[str, Connection]]:
        """By connection id: who sees all of the channel, and whose own row is among these members' (none: everyone)."""
        if members is None:
            return (self.everyone,)
        return (self._of_all, *(self._of_own_row[member] for member in members if member in self._of_own_row))
