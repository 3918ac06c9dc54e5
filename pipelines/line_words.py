"""Numbers and texts out of many lines of bytes at once, eight bytes a step. Lines are rows of a matrix of bytes."""

from collections.abc import Iterator

import numpy as np

from pipelines.steps.columns import Array

ZEROS, SIXES, HIGH = (np.uint64(int(pattern * 8, 16)) for pattern in ("30", "06", "F0"))
PAIRS, HUNDREDS, UNITS = (np.uint64(pattern) for pattern in (0x000000FF000000FF, 0x000F424000000064, 0x0000271000000001))


def word_at(matrix: Array, at: int) -> Array:
    """The eight bytes from `at` on of every line, as one number a line: a view, to be copied."""
    return np.ndarray(len(matrix), "<u8", matrix, at, matrix.strides[:1])


def word_places(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the words of a text are, the last one perhaps over the one before, and how many of its first bits are no text."""
    if end > begin:
        yield from ((at, 0) for at in range(begin, end - 8, 8))
        yield end - 8, max(64 - 8 * (end - begin), 0)


def digits(matrix: Array, begin: int, end: int) -> tuple[Array, Array | None]:
    """Whole numbers out of digits, eight at a time as Lemire does (2018); which are good (none: all)."""
    total: Array | None = None
    good: Array | None = None
    for last in range(end - (end - begin - 1) // 8 * 8, end + 1, 8):
        width = min(last - begin, 8)
        chunk = word_at(matrix, last - 8) ^ ZEROS
        chunk &= np.uint64(2**64 - 2 ** (64 - 8 * width))
        if last < end and chunk.min() == chunk.max():  # the first digits of times are the same for months
            chunk = chunk[:1]
        other = (chunk | (chunk + SIXES)) & HIGH
        if other.max():
            good = both(good, np.broadcast_to(other == 0, len(matrix)))
        pairs = chunk * np.uint64(10) + (chunk >> np.uint64(8))
        value = (pairs & PAIRS) * HUNDREDS + ((pairs >> np.uint64(16)) & PAIRS) * UNITS
        value >>= np.uint64(32)
        number = value.view(np.int64)
        total = number if total is None else total * 10**8 + number
    if total is None:
        raise ValueError("no digits")
    return total, good


def both(good: Array | None, fine: Array | None) -> Array | None:
    """Which lines are good by two looks; none stands for all."""
    if good is None or fine is None:
        return fine if good is None else good
    return np.asarray(good & fine)
