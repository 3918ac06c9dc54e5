"""What goes out on topic `live`: whole pictures now and then, and in between only what changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.live_columns import DECIMALS
from pipelines.steps.members import STATE_NAMES
from pipelines.steps.segments import first_of_run
from schemas.live import LIVE_COLUMNS

KEYFRAME_EVERY_MS: Final = 10_000
NOTHING: Final = -1.0
"""Stands for no value in the matrix of shown values: none of the columns is ever negative."""
SCALARS: Final = tuple(DECIMALS)
STATE_AT: Final = len(SCALARS)
ZONES_AT: Final = STATE_AT + 1
WIDTH: Final = ZONES_AT + 6


@dataclass
class Told:
    """What a session's readers have: how far they are."""

    sequence: int = 0
    keyframe_ms: int | None = None
    """When the last keyframe went out; none: the next message must be one."""
    state: str = ""


@dataclass
class Picture:
    """The rows of one message of one session."""

    session: int
    whole: bool
    positions: tuple[int, ...]
    columns: dict[str, list[Any]] = field(default_factory=dict)


def matrix(columns: dict[str, Array], zone_s: Array, presence: Array) -> Array:
    """All shown values, rounded as people read them; `NOTHING` for none."""
    shown = np.empty((len(presence), WIDTH))
    for at, name in enumerate(SCALARS):
        shown[:, at] = np.round(columns[name], DECIMALS[name])
    shown[:, STATE_AT] = presence
    shown[:, ZONES_AT:] = zone_s
    shown[np.isnan(shown)] = NOTHING
    return shown


def pictures(*, session: Array, position: Array, shown: Array, changed: Array, whole: Array) -> list[Picture]:
    """Messages out of rows of many sessions; `whole` tells, per row, that its session gets a keyframe.

    A delta has the rows that changed, and of those the columns in which any of them changed.
    """
    found: list[Picture] = []
    for keyframes, chosen in ((True, whole), (False, changed.any(axis=1) & ~whole)):  # apart: deltas have fewer columns
        told = np.flatnonzero(chosen)
        if len(told):
            told = told[np.lexsort((position[told], session[told]))]
            found += _told(keyframes, session[told], position[told].tolist(), shown[told], changed[told])
    return found


def _told(keyframes: bool, session: Array, positions: list[int], shown: Array, changed: Array) -> Iterator[Picture]:
    """Messages out of rows sorted by session and position."""
    starts = np.flatnonzero(first_of_run(session))
    ends = [*starts[1:].tolist(), len(session)]
    needed = np.logical_or.reduceat(changed, starts, axis=0) | keyframes
    lists = {name: _values(name, shown) for name in _named(needed.any(axis=0).tobytes())}
    for of, begin, end, need in zip(session[starts].tolist(), starts.tolist(), ends, needed, strict=True):
        columns = {name: lists[name][begin:end] for name in _named(need.tobytes())}
        yield Picture(of, keyframes, tuple(positions[begin:end]), columns)


@lru_cache(maxsize=4_096)
def _named(needed: bytes) -> tuple[str, ...]:
    """The live columns, in their order, of which some column of the matrix is needed; most messages need the same ones."""
    flags = [bool(flag) for flag in needed]
    of_name = dict(zip(SCALARS, flags, strict=False)) | {"state": flags[STATE_AT], "zone_s": any(flags[ZONES_AT:])}
    return tuple(name for name in LIVE_COLUMNS if of_name[name])


def _values(name: str, shown: Array) -> list[Any]:
    if name == "state":
        return [STATE_NAMES[code] for code in shown[:, STATE_AT].astype(np.int64).tolist()]
    if name == "zone_s":
        seconds: list[Any] = shown[:, ZONES_AT:].astype(np.int64).tolist()
        return seconds
    column = shown[:, SCALARS.index(name)]
    values = column.tolist() if DECIMALS[name] else column.astype(np.int64).tolist()
    return [None if value < 0 else value for value in values] if (column < 0).any() else values
