"""Device events on their way into the live shard: in columns where many are alike, one by one where they are not.

Both ways lead to the same numbers and the same exits; which one an event takes depends on its neighbours and shows nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.class_news import ClassNews
from pipelines.decoding import Decoded, Letters, decode_readings, without_synthetic
from pipelines.layouts import Layouts
from pipelines.messages import Message
from pipelines.sessions import Sessions
from pipelines.steps.batch import Batch, batch_of, joined
from pipelines.steps.columns import Array
from pipelines.steps.shard import LiveShard
from schemas.events import NO_SESSION, Reading, reading_decoder

TOGETHER_MIN = 256
"""Fewer messages are read sooner one by one."""


@dataclass
class Arrived:
    """What came of a batch of messages, each event in one of these places or among the dead letters."""

    batch: Batch
    """Events of known members, in the order of arrival."""
    messages: list[Message]
    """Theirs."""
    strangers: Decoded[Reading]
    """Events of known sessions, of people who have no row there."""
    outside: int
    """How many belong to no session."""
    poses: list[int] = field(default_factory=list)
    """Which of the batch are poses: no table keeps them."""
    synthetic: list[Reading] = field(default_factory=list)
    """What the synthetic member has sent, to be shown and not to be kept."""
    readings: list[Reading] | None = None
    """The batch's events whole, where all were read one by one."""

    def reading(self, at: int) -> Reading:
        """One event of the batch, whole."""
        return reading_decoder.decode(self.messages[at].value()) if self.readings is None else self.readings[at]

    def newest(self, shard: LiveShard) -> list[Reading]:
        """Each session's last event that is no pose."""
        if self.readings is not None:
            return list({reading.session_id: reading for reading in self.readings if reading.type != "pose"}.values())
        at = np.delete(np.arange(len(self.batch)), self.poses)
        return [self.reading(last) for last in at[shard.last_of_sessions(self.batch.rows[at])].tolist()]


class Intake:
    """Finds each event's row in the shard; makes sessions known to it when their first events come."""

    def __init__(self, shard: LiveShard, sessions: Sessions, news: ClassNews, letters: Letters) -> None:
        self._shard = shard
        self._sessions = sessions
        self._news = news
        self._letters = letters
        self._layouts = Layouts()

    def take(self, messages: list[Message]) -> Arrived:
        """Raises Unavailable when the directory cannot be read to its end."""
        at, alike = self._together(messages)
        if alike is not None and len(at) == len(messages):
            return Arrived(alike, messages, Decoded([], []), 0)
        if alike is None:
            return self._one_by_one(messages)
        left = np.delete(np.arange(len(messages)), at).tolist()
        arrived = self._one_by_one([messages[i] for i in left])
        number = {id(messages[i]): i for i in left}
        position = np.concatenate([at, np.array([number[id(message)] for message in arrived.messages], dtype=np.int64)])
        order = np.argsort(position, kind="stable")
        poses = np.isin(order, len(at) + np.array(arrived.poses)).nonzero()[0].tolist() if arrived.poses else []
        batch = joined([alike, arrived.batch]).part(order)
        all_came = len(position) == len(messages)
        placed = messages if all_came else [messages[i] for i in position[order].tolist()]
        return Arrived(batch, placed, arrived.strangers, arrived.outside, poses, arrived.synthetic)

    def _together(self, messages: Sequence[Message]) -> tuple[Array, Batch | None]:
        """Events of known members that could be read in columns, and their positions."""
        nothing = np.zeros(0, dtype=np.int64)
        if len(messages) < TOGETHER_MIN:
            return nothing, None
        values = [message.value() for message in messages]
        if not all(values):  # none at all, or nothing in it: the exact decoder says what is wrong
            return nothing, None
        read = self._layouts.read(values)
        rows = self._shard.rows(read.words, read.member_id)
        placed = np.flatnonzero(read.known & (rows >= 0))
        if not len(placed):
            return nothing, None
        read.batch.rows[:] = rows
        return placed, read.batch if len(placed) == len(messages) else read.batch.part(placed)

    def _one_by_one(self, messages: list[Message]) -> Arrived:
        decoded, synthetic = without_synthetic(decode_readings(messages, self._letters))
        inside = decoded
        if NO_SESSION in decoded.session_ids:
            inside = decoded.keep(lambda reading: reading.session_id != NO_SESSION)
        outside = len(decoded.events) - len(inside.events)
        known = self._sessions.refuse_unknown(inside, self._letters)
        self._news.introduce(known.session_ids)
        rows = self._shard.rows_of(known.events)
        strangers = Decoded[Reading]([], [])
        if (rows < 0).any():
            unplaced = np.flatnonzero(rows < 0).tolist()
            strangers = Decoded([known.events[at] for at in unplaced], [known.messages[at] for at in unplaced])
            placed = np.flatnonzero(rows >= 0)
            known = Decoded([known.events[at] for at in placed.tolist()], [known.messages[at] for at in placed.tolist()])
            rows = rows[placed]
        poses = [at for at, reading in enumerate(known.events) if reading.type == "pose"]
        return Arrived(batch_of(known.events, rows), known.messages, strangers, outside, poses, synthetic, known.events)
