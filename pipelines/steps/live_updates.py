"""Messages for topic `live`: which rows are due, what they show now, and what of it is news."""

from typing import Any, Final, Literal, cast

import numpy as np

from pipelines.steps.class_metrics import class_metrics
from pipelines.steps.columns import Array
from pipelines.steps.live_columns import live_values
from pipelines.steps.live_feed import KEYFRAME_EVERY_MS, NOTHING, SCALARS, STATE_AT, WIDTH, Picture, Told, matrix, pictures
from pipelines.steps.members import LIVE, STALE
from pipelines.steps.presence import newest_ms, presence
from pipelines.steps.session import Session
from pipelines.steps.shard_state import ShardState
from schemas.live import ClassMetrics, LiveUpdate

RMSSD_WINDOW_S: Final = 60
RMSSD_EVERY_S: Final = 10
"""A mean over a minute of beats does not change faster."""
SPREAD_MS: Final = 3_917
"""Whole pictures of sessions that began together come at different moments: so much apart, around the interval."""
OF_CLASS: Final = np.array(
    [SCALARS.index(name) for name in ("heart_rate_bpm", "heart_rate_10s_bpm", "zone", "intensity", "intensity_60s")]
    + [STATE_AT]
)
"""What a class's metrics are made of: columns of the matrix, kept beside it, because most rows of a message's class are not
its own."""
MESSAGE_ROWS: Final = 4
"""A message takes about as long as so many of its rows."""


class LiveUpdates:
    """What was last sent of every row. None of it needs to survive: after a restart each session begins with a keyframe."""

    def __init__(self, state: ShardState, sequences: dict[str, int]) -> None:
        self._state = state
        self._told = {session_id: Told(sequence) for session_id, sequence in sequences.items()}
        self._shown = np.zeros((0, WIDTH))
        self._of_class = np.zeros((0, len(OF_CLASS)))
        self._position = np.zeros(0, dtype=np.int64)
        self._rmssd = np.zeros(0)
        self._rmssd_at = np.zeros(0, dtype=np.int64)
        self._next = 0
        self.left = False
        """Whether more waits than the last call was let have."""
        self.renumber()

    @property
    def sequences(self) -> dict[str, int]:
        """How far each session's messages are counted."""
        return {session_id: told.sequence for session_id, told in self._told.items()}

    def renumber(self) -> None:
        """Rows have been numbered anew: every session begins with a keyframe."""
        for session in self._state.sessions:
            self.joined(session.record.session_id)
        self._told = {s: told for s, told in self._told.items() if s in self._state.position}
        self._size(0)

    def joined(self, session_id: str) -> None:
        """The session's rows are others than before: its next message is a keyframe."""
        told = self._told.setdefault(session_id, Told())
        told.keyframe_ms = None

    def watch_presence(self, now_ms: int) -> None:
        """Note who became stale or left by nothing but time."""
        members = self._state.grid.members
        rows = np.arange(len(members))
        found = presence(members, rows, self._clock(rows, now_ms))
        members.changed |= found != members.presence
        members.presence[:] = found

    def take(self, now_ms: int, most: int | None = None) -> list[LiveUpdate]:
        """What changed since the last call; of about `most` rows, when more wait: then some is `left`, and others come next."""
        state, members = self._state, self._state.grid.members
        self._size(len(members))
        whole = np.array([self._keyframe_due(session, now_ms) for session in state.sessions], dtype=bool)
        waiting = members.changed | whole[members.session]
        self.left = False
        if most is not None:
            turn = self._turn(np.bincount(members.session[waiting], minlength=len(whole)), whole, most)
            waiting &= turn[members.session]
            whole &= turn
        rows = np.flatnonzero(waiting)
        members.changed[rows] = False
        found = self._pictures(rows, whole, now_ms) if len(rows) else []
        empty = [at for at in np.flatnonzero(whole).tolist() if not state.sessions[at].rows]
        found += [Picture(at, True, ()) for at in empty]
        metrics = self._class_metrics([picture.session for picture in found])
        return [self._message(picture, of_class, now_ms) for picture, of_class in zip(found, metrics, strict=True)]

    def _turn(self, rows: Array, whole: Array, most: int) -> Array:
        """Which sessions are served now, in turns; `rows` of each wait."""
        count = len(rows)
        order = (np.arange(count) + self._next) % max(count, 1)
        order = order[(rows > 0)[order] | whole[order]]
        served = order[np.cumsum(rows[order] + MESSAGE_ROWS) <= most] if len(order) else order
        served = served if len(served) else order[:1]
        self.left = len(served) < len(order)
        self._next = int(served[-1]) + 1 if self.left else self._next
        turn = np.zeros(count, dtype=bool)
        turn[served] = True
        return turn

    def _keyframe_due(self, session: Session, now_ms: int) -> bool:
        told = self._told[session.record.session_id]
        if told.keyframe_ms is None or told.state != session.state:
            return True
        return session.ended_at_ms is None and now_ms - told.keyframe_ms >= KEYFRAME_EVERY_MS

    def _pictures(self, rows: Array, whole: Array, now_ms: int) -> list[Picture]:
        members = self._state.grid.members
        session = members.session[rows]
        started_ms = self._state.columns.started_s[session] * 1000
        columns, totals = live_values(self._state.grid, rows, started_ms, self._variability(rows, whole[session]))
        members.presence[rows] = presence(members, rows, self._clock(rows, now_ms))
        shown = matrix(columns, totals.zone_s, members.presence[rows])
        changed = shown != self._shown[rows]
        self._shown[rows] = shown
        self._of_class[rows] = shown[:, OF_CLASS]
        if whole.any():
            self._place(whole)
        return pictures(
            session=session,
            position=self._position[rows],
            shown=shown,
            changed=changed,
            whole=whole[session],
        )

    def _variability(self, rows: Array, whole: Array) -> Array:
        heads = self._state.grid.members.head
        due = rows[(whole | (heads[rows] - self._rmssd_at[rows] >= RMSSD_EVERY_S)) & self._state.grid.beats.has(rows)]
        if len(due):
            self._rmssd[due] = self._state.grid.beats.recent(due, heads[due], RMSSD_WINDOW_S)
            self._rmssd_at[due] = heads[due]
        shown: Array = self._rmssd[rows]
        return shown

    def _place(self, whole: Array) -> None:
        for at in np.flatnonzero(whole).tolist():
            rows = self._state.all_rows(self._state.sessions[at])
            self._position[rows] = np.arange(len(rows))

    def _clock(self, rows: Array, now_ms: int) -> Array:
        """Now, from each row's session start; an ended session's clock stands still."""
        columns, session = self._state.columns, self._state.grid.members.session[rows]
        clock: Array = np.minimum(
            now_ms - columns.started_s[session] * 1000, (columns.ended[session].astype(np.int64) + 1) * 1000
        )
        return clock

    def _class_metrics(self, sessions: list[int]) -> list[ClassMetrics]:
        """Of these sessions, in this order, out of what is shown."""
        if not sessions:
            return []
        state, members = self._state, self._state.grid.members
        number = np.full(len(state.sessions), -1, dtype=np.int64)
        number[sessions] = np.arange(len(sessions))
        rows = np.flatnonzero(number[members.session] >= 0)
        shown = self._of_class.take(rows, axis=0)
        presence_code = shown[:, -1].astype(np.int64)
        known = np.where(shown == NOTHING, np.nan, shown)
        bpm, lately, zone, intensity, intensity_60s, _presence = known.T
        return class_metrics(
            session=number[members.session[rows]],
            count=len(sessions),
            expected=np.array([len(state.sessions[at].record.participants) for at in sessions]),
            presence=presence_code,
            attended=self._came(rows, presence_code),
            heart_rate_bpm=np.where(np.isnan(lately), np.nan, bpm),
            zone=zone,
            intensity=intensity,
            intensity_60s=intensity_60s,
        )

    def _came(self, rows: Array, presence_code: Array) -> Array:
        """Of whom anything is known: who is here, who has left and had a value, who checked in."""
        members = self._state.grid.members
        came: Array = members.checked_in[rows] | (presence_code == LIVE) | (presence_code == STALE)
        unsure = np.flatnonzero(~came)
        came[unsure] = newest_ms(members, rows[unsure]) >= 0
        return came

    def _message(self, picture: Picture, metrics: ClassMetrics, now_ms: int) -> LiveUpdate:
        state = self._state
        session = state.sessions[picture.session]
        told = self._told[session.record.session_id]
        told.sequence += 1
        told.state = session.state
        if picture.whole:
            early_ms = picture.session * SPREAD_MS % KEYFRAME_EVERY_MS if told.keyframe_ms is None else 0
            told.keyframe_ms = now_ms - early_ms
        columns: dict[str, list[Any]] = picture.columns
        return LiveUpdate(
            session_id=session.record.session_id,
            class_id=session.record.class_id,
            sequence=told.sequence,
            kind="key" if picture.whole else "delta",
            event_time_ms=int(state.columns.newest_event_ms[picture.session]),
            received_time_ms=int(state.columns.newest_received_ms[picture.session]),
            session_state=cast("Literal['active', 'paused', 'completed']", session.state),
            rows=picture.positions,
            members=tuple(session.rows) if picture.whole else (),
            names=tuple(session.people[member_id].name for member_id in session.rows) if picture.whole else (),
            columns=columns,
            class_metrics=metrics,
        )

    def _size(self, rows: int) -> None:
        """Make room for rows that joined; none was shown yet. 0 forgets all."""
        known = len(self._shown) if rows else 0
        more = rows - known
        if rows and not more:
            return
        self._shown = np.concatenate([self._shown[:known], np.full((more, WIDTH), NOTHING)])
        self._of_class = np.concatenate([self._of_class[:known], np.full((more, len(OF_CLASS)), NOTHING)])
        self._position = np.concatenate([self._position[:known], np.full(more, -1, dtype=np.int64)])
        self._rmssd = np.concatenate([self._rmssd[:known], np.full(more, np.nan)])
        self._rmssd_at = np.concatenate([self._rmssd_at[:known], np.full(more, -RMSSD_EVERY_S, dtype=np.int64)])
