"""Arithmetic over runs of equal keys: sorted one-dimensional arrays in which every row's samples lie together."""

from typing import Final

import numpy as np

from pipelines.steps.columns import Array

LONG_AGO: Final = -(2**31)
"""A second so early that nothing follows it closely."""
_APART: Final = 2**34
_COUNTED: Final = 2**16


def stable_order(keys: Array) -> Array:
    """Positions in the order of small keys that are not negative; equal ones stay in order."""
    narrow = keys.astype(np.uint16) if len(keys) and keys.max() < _COUNTED else keys  # 16 bits are sorted by counting
    return np.argsort(narrow, kind="stable")


def first_of_run(keys: Array) -> Array:
    """True at the first sample of every run."""
    first = np.empty(len(keys), dtype=bool)
    first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return first


def last_of_run(keys: Array) -> Array:
    """True at the last sample of every run."""
    last = np.empty(len(keys), dtype=bool)
    last[-1:] = True
    np.not_equal(keys[1:], keys[:-1], out=last[:-1])
    return last


def starts_of_runs(keys: Array) -> Array:
    """The positions of the first samples of all runs."""
    return np.flatnonzero(first_of_run(keys))


def ends_of_runs(starts: Array, count: int) -> Array:
    """The positions of the last samples of all runs, of which there are `count` samples together."""
    if len(starts) == count:
        return starts
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:]
    ends[-1:] = count
    ends -= 1
    return ends


def of_runs(of: np.ufunc, values: Array, starts: Array) -> Array:
    """What `of` makes of each run's values: itself, where every run has one."""
    made: Array = values if len(starts) == len(values) else of.reduceat(values, starts)
    return made


def before(values: Array, first: Array, at_first: Array) -> Array:
    """Each sample's predecessor in its run; the first of a run (mask or positions) has what was carried over."""
    if _all_alone(values, first):
        return at_first.astype(values.dtype)
    previous = np.empty_like(values)
    previous[1:] = values[:-1]
    previous[first] = at_first
    return previous


def running_maximum(values: Array, keys: Array, first: Array, at_first: Array) -> Array:
    """Greatest value so far in each run, the carried one included. `keys` ascend; values lie within ±2³³.

    `first` are the runs' first samples, as a mask or as positions.
    """
    raised = values.astype(np.int64)
    if _all_alone(values, first):
        return np.maximum(raised, at_first, out=raised)
    raised[first] = np.maximum(raised[first], at_first)
    falls = raised[1:] < raised[:-1]
    falls &= keys[1:] == keys[:-1]
    if not falls.any():  # as nearly always
        return raised
    raised += keys * _APART
    np.maximum.accumulate(raised, out=raised)
    raised -= keys * _APART
    return raised


def _all_alone(values: Array, first: Array) -> bool:
    """Whether every run has one sample, as in the small batches of a flow that has time; told by positions only."""
    return len(first) == len(values) and first.dtype != np.bool_
