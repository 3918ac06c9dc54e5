"""Finds the rows of many readings at once: a hash table of (session, member) in arrays."""

from typing import Final

import numpy as np

from pipelines.steps.columns import Array

ID_BYTES: Final = 36
WORDS: Final = 5
"""A session id as 64-bit words, the last one half empty."""
_ODD: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63, 0xD6E8FEB86659FD93],
    dtype=np.uint64,
)
_FOLD: Final = np.uint64(29)


class Roster:
    """Rows by session and member. Ids of other lengths than 36 bytes are not found here."""

    def __init__(self) -> None:
        self._row_at = np.full(1024, -1, dtype=np.int32)
        self._words = np.zeros((WORDS, 0), dtype=np.uint64)
        self._member_id = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._member_id)

    def append(self, words: Array, member_ids: Array) -> None:
        """Give the next rows to these pairs, none of which has one yet; `words` as for `rows`."""
        if not len(member_ids):
            return
        begin = len(self)
        self._words = np.concatenate([self._words, words], axis=1)
        self._member_id = np.concatenate([self._member_id, member_ids])
        if 4 * len(self) > len(self._row_at):
            self._row_at = np.full(1 << (8 * len(self)).bit_length(), -1, dtype=np.int32)
            begin = 0
        self._insert(np.arange(begin, len(self)))

    def rows(self, words: Array, member_ids: Array) -> Array:
        """The row of each pair, -1 for strangers; `words` has one column of `words_of` a pair."""
        found = np.full(len(member_ids), -1, dtype=np.int64)
        slots = self._slots(words, member_ids)
        left = np.arange(len(member_ids))
        while len(left):
            rows = self._row_at[slots].astype(np.int64)
            if rows.min() < 0:
                taken = rows >= 0
                left, slots, rows = left[taken], slots[taken], rows[taken]
                words, member_ids = words[:, taken], member_ids[taken]
            mine = self._member_id[rows] == member_ids
            for at in range(WORDS):
                mine &= self._words[at].take(rows) == words[at]
            if mine.all():
                found[left] = rows
                break
            found[left[mine]] = rows[mine]
            other = ~mine
            left, slots, words, member_ids = left[other], self._next(slots[other]), words[:, other], member_ids[other]
        return found

    def _insert(self, rows: Array) -> None:
        slots = self._slots(self._words[:, rows], self._member_id[rows])
        while len(rows):
            free = self._row_at[slots] < 0
            self._row_at[slots[free]] = rows[free]
            lost = self._row_at[slots] != rows
            rows, slots = rows[lost], self._next(slots[lost])

    def _slots(self, words: Array, member_ids: Array) -> Array:
        mixed = member_ids.astype(np.uint64) * _ODD[WORDS]
        for at in range(WORDS):
            mixed = (mixed ^ words[at]) * _ODD[at]
            mixed ^= mixed >> _FOLD
        slots: Array = (mixed & np.uint64(len(self._row_at) - 1)).astype(np.int64)
        return slots

    def _next(self, slots: Array) -> Array:
        following: Array = (slots + 1) & (len(self._row_at) - 1)
        return following


def words_of(session_id: str) -> Array:
    """A session id as `WORDS` numbers."""
    return np.frombuffer(session_id.encode()[: 8 * WORDS].ljust(8 * WORDS, b"\0"), dtype=np.uint64)
