"""Reads thousands of device events at once, by the layouts that their messages share; what has none of its own is left over."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Final

import numpy as np

from pipelines.layout import FILLER, Layout, learn
from pipelines.steps.batch import ABSENT, METRICS, Batch, Intervals, cells_by_metric
from pipelines.steps.columns import Array
from pipelines.steps.roster import WORDS
from pipelines.steps.segments import first_of_run

LINES_MAX: Final = 4_000
"""More are read in parts, which stay in the processor's cache from the first look to the last."""
ALIKE_MIN: Final = 48
"""Fewer messages of one layout are read sooner one by one."""
LENGTH_MAX: Final = 2_048
"""Longer messages are poses, which have no numbers to read."""
KEPT_MAX: Final = 16
"""Layouts remembered of each length: the last that fitted."""
LEARN_MAX: Final = 4
"""Messages of one length in one batch from which a layout is learnt."""
NOTHING: Final = np.zeros(0, dtype=np.int64)


@dataclass
class Read:
    """Events in columns, where `known` says so; the other positions mean nothing."""

    known: Array
    words: Array
    """Session ids as the roster takes them, one column an event."""
    member_id: Array
    batch: Batch
    """Its rows are still to be found."""


class Layouts:
    """The layouts that a flow has met."""

    def __init__(self) -> None:
        self._of_length: dict[int, list[Layout]] = {}

    def read(self, messages: Sequence[bytes]) -> Read:
        """The numbers of all messages that share a layout with enough others."""
        lengths = np.fromiter(map(len, messages), dtype=np.int64, count=len(messages))
        lengths = np.minimum(lengths, LENGTH_MAX + 1).astype(np.uint16)
        order = np.argsort(lengths, kind="stable")  # 16 bits are sorted by counting, not by comparing
        by_length = itemgetter(*order.tolist())(messages) if len(messages) > 1 else messages
        lengths = lengths[order]
        starts = np.flatnonzero(first_of_run(lengths)).tolist()
        columns = _Columns(len(messages))
        for begin, end in zip(starts, [*starts[1:], len(messages)], strict=True):
            if end - begin >= ALIKE_MIN and lengths[begin] <= LENGTH_MAX:
                parts = -(-(end - begin) // LINES_MAX)
                cuts = [begin + (end - begin) * part // parts for part in range(parts + 1)]
                for first, last in pairwise(cuts):
                    self._read_alike(by_length[first:last], order[first:last], columns)
        return columns.read()

    def _read_alike(self, messages: Sequence[bytes], position: Array, columns: "_Columns") -> None:
        """Messages of one length."""
        length = len(messages[0])
        padding = FILLER * (-length % 8)
        matrix = np.frombuffer(padding.join([*messages, b""]) if padding else b"".join(messages), dtype=np.uint8)
        matrix = matrix.reshape(len(messages), -1)
        known = self._of_length.setdefault(length, [])
        for layout in known.copy():
            left = columns.take(layout, matrix, position)
            if len(left) < len(position):
                known.remove(layout)
                known.insert(0, layout)
                matrix, position = matrix[left], position[left]
            if len(position) < ALIKE_MIN:
                return
        for _ in range(LEARN_MAX):
            layout_found = learn(matrix[0, :length].tobytes())
            left = np.arange(1, len(position)) if layout_found is None else columns.take(layout_found, matrix, position)
            if layout_found is not None:
                known.insert(0, layout_found)
                del known[KEPT_MAX:]
            matrix, position = matrix[left], position[left]
            if len(position) < ALIKE_MIN:
                return


class _Columns:
    """Columns of a batch as they are filled, layout by layout."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known = np.zeros(size, dtype=bool)
        self._words = np.zeros((WORDS, size), dtype=np.uint64)
        self._member_id, self._at_ms, self._received_ms = (np.zeros(size, dtype=np.int64) for _ in range(3))
        self._values: dict[str, Array] = {}
        self._beats: list[tuple[Array, Array]] = []

    def take(self, layout: Layout, matrix: Array, position: Array) -> Array:
        """Take in what has this layout; returns the lines that have not."""
        fits = layout.fits(matrix)
        if fits is not None and not fits.any():
            return np.arange(len(matrix))
        lines = matrix if fits is None else matrix[fits]
        numbers, beats, good = layout.columns(lines)
        words = layout.session_words(lines)
        if fits is None and good is None:
            self._put(position, numbers, beats, words)
            return NOTHING
        fitting = np.arange(len(matrix)) if fits is None else np.flatnonzero(fits)
        if good is not None:
            fitting, beats, words = fitting[good], beats[good], words[:, good]
            numbers = {name: values[good] for name, values in numbers.items()}
        self._put(position[fitting], numbers, beats, words)
        return np.delete(np.arange(len(matrix)), fitting)

    def read(self) -> Read:
        values = {METRICS[name]: held for name, held in self._values.items() if name in METRICS}
        distance = self._values.get("distance_m")
        batch = Batch(
            rows=np.full(self._size, -1),
            at_ms=self._at_ms,
            received_ms=self._received_ms,
            cells=cells_by_metric(self._at_ms, values),
            distance_cm=distance,
            intervals=self._intervals(),
        )
        return Read(self._known, self._words, self._member_id, batch)

    def _put(self, at: Array, numbers: dict[str, Array], beats: Array, words: Array) -> None:
        self._known[at] = True
        for place, column in enumerate(words):
            self._words[place][at] = column
        self._member_id[at] = numbers.pop("member_id")
        self._at_ms[at] = numbers.pop("event_time_ms")
        self._received_ms[at] = numbers.pop("received_time_ms")
        for name, values in numbers.items():
            self._values.setdefault(name, np.full(self._size, ABSENT, dtype=np.int64))[at] = values
        if beats.size:
            self._beats.append((at, beats))

    def _intervals(self) -> Intervals | None:
        if not self._beats:
            return None
        event = np.concatenate([np.repeat(at, beats.shape[1]) for at, beats in self._beats])
        place = np.concatenate([np.tile(np.arange(beats.shape[1]), len(at)) for at, beats in self._beats])
        rr_ms = np.concatenate([beats.reshape(-1) for _at, beats in self._beats])
        order = np.argsort(event, kind="stable")
        return Intervals(event[order], place[order], rr_ms[order])
