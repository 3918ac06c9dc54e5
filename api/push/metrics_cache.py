"""The present metrics of one session: all columns, and when each row and column last changed.

Versions count the updates taken in. From them the changes since any version can be told at once, however many updates lie
between, so a slow reader costs nothing and misses nothing that is still true.
"""

from typing import Any

from schemas.live import ClassMetrics, LiveUpdate

Rows = list[int]


class MetricsCache:
    """Takes the flow's messages in and answers what changed.

    A delta whose base was missed is left out until the next keyframe: the state then stays as it was, never half new.
    `version` is 0 until the first keyframe. `layout_version` is the version at which rows last joined, left or moved; a
    reader older than that needs everything.
    """

    def __init__(self) -> None:
        self.version = 0
        self.layout_version = 0
        self.members: tuple[int, ...] = ()
        self.names: tuple[str, ...] = ()
        self.columns: dict[str, list[Any]] = {}
        self.event_time_ms = 0
        self.received_time_ms = 0
        self.session_state = "active"
        self.class_metrics: ClassMetrics | None = None
        self.waits_for_key = True
        self._sequence = 0
        self._row_changed_at: list[int] = []
        self._column_changed_at: dict[str, int] = {}
        self._row_of: dict[int, int] = {}
        self._head_changed_at = 0

    def take(self, update: LiveUpdate) -> bool:
        """Take one message in; false when it could not be used because a message before it is missing.

        Raises ValueError, with nothing changed but the wait for a keyframe, when its rows and columns do not fit together.
        """
        if update.kind == "delta" and (self.waits_for_key or update.sequence != self._sequence + 1):
            self.waits_for_key = True
            return False
        self._check(update)
        self.version += 1
        if update.kind == "key":
            self._lay_out(update)
        for name, values in update.columns.items():
            self._write(name, update.rows, values)
        if update.session_state != self.session_state:
            self._head_changed_at = self.version
        self.session_state = update.session_state
        self.event_time_ms = update.event_time_ms
        self.received_time_ms = update.received_time_ms
        self.class_metrics = update.class_metrics
        self._sequence = update.sequence
        self.waits_for_key = False
        return True

    def miss(self) -> None:
        """Messages were lost on the way here: only a keyframe can be trusted next."""
        self.waits_for_key = True

    def row_of(self, member_id: int) -> int | None:
        return self._row_of.get(member_id)

    def changed_rows(self, since: int) -> Rows:
        """Rows in which anything changed after a version, in order."""
        return [row for row, at in enumerate(self._row_changed_at) if at > since]

    def changed_columns(self, since: int) -> list[str]:
        """Columns in which any row changed after a version."""
        return [name for name, at in self._column_changed_at.items() if at > since]

    def concerns(self, row: int, since: int) -> bool:
        """Whether the row itself, or what is said of the session as such, changed after a version."""
        return self._row_changed_at[row] > since or self._head_changed_at > since

    def members_concerned(self, since: int) -> list[int] | None:
        """Members whose row changed after a version; none when something changed that concerns them all."""
        if max(self.layout_version, self._head_changed_at) > since:
            return None
        return [self.members[row] for row in self.changed_rows(since)]

    def _check(self, update: LiveUpdate) -> None:
        count, rows = len(update.rows), len(update.members) if update.kind == "key" else len(self.members)
        fits = all(len(values) == count for values in update.columns.values())
        fits &= len(update.names) == len(update.members)
        if update.kind == "key":
            fits &= update.rows == tuple(range(rows))
        else:
            fits &= not count or (min(update.rows) >= 0 and max(update.rows) < rows)
        if not fits:
            self.waits_for_key = True
            raise ValueError(f"the rows of message {update.sequence} do not fit its columns and members")

    def _lay_out(self, update: LiveUpdate) -> None:
        """Make room for a keyframe's rows; a column that it does not name is gone."""
        count = len(update.members)
        if update.members != self.members or update.names != self.names or set(update.columns) != set(self.columns):
            self.layout_version = self.version
            self.members, self.names = update.members, update.names
            self.columns = {name: [None] * count for name in update.columns}
            self._row_changed_at = [self.version] * count
            self._column_changed_at = dict.fromkeys(update.columns, self.version)
            self._row_of = {member: row for row, member in enumerate(update.members)}

    def _write(self, name: str, rows: tuple[int, ...], values: list[Any]) -> None:
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = [None] * len(self.members)
        changed = False
        for row, value in zip(rows, values, strict=True):
            if column[row] != value:
                column[row] = value
                self._row_changed_at[row] = self.version
                changed = True
        if changed:
            self._column_changed_at[name] = self.version
