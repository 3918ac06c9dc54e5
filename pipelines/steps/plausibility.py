"""Which heart rates to distrust: sudden jumps and values that do not move at all."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.segments import LONG_AGO, before, ends_of_runs, of_runs, running_maximum, starts_of_runs
from pipelines.steps.time_in_zone import GAP_S

JUMP_BPM: Final = 30
"""A change beyond this within one second is no heart's doing."""
SETTLE_S: Final = 5
"""After a jump nothing is trusted for so long: a glitch of a few seconds, and the way back from it, are left out too."""
STUCK_S: Final = 30
"""A strap whose value has not changed at all for so long has lost the skin."""


@dataclass
class Judged:
    """Samples of one or many members with what is known about each, and what each member's next ones must know."""

    interval_s: Array
    """Since the sample before; 0 after a gap and for the first."""
    suspect: Array
    last_jump: Array
    unchanged_since: Array
    """Both one a member, in the order of their keys."""


def judge(
    keys: Array,
    seconds: Array,
    values: Array,
    from_strap: Array,
    *,
    last_second: Array,
    last_value: Array,
    last_jump: Array,
    unchanged_since: Array,
) -> Judged:
    """Judge samples sorted by (key, second), one a second; the keyword arrays carry each key's past, indexed by key.

    Suspect (spec: science, "Heart-rate plausibility"): within `SETTLE_S` of a jump of more than 30 bpm between consecutive
    seconds, or unchanged for 30 s while the source is a strap. A function of the past only, so it can be told at once.
    """
    starts = starts_of_runs(keys)
    opening = keys[starts]
    seconds_before = before(seconds, starts, last_second[opening])
    change = values - before(values, starts, last_value[opening])
    elapsed = seconds - seconds_before
    followed = elapsed <= GAP_S
    jumped = (elapsed == 1) & (np.abs(change) > JUMP_BPM)
    moved = (change != 0) | ~followed
    shaken, last_jump = _shaken(keys, seconds, jumped, starts, last_jump[opening])
    stuck, unchanged_since = _stuck(keys, seconds, moved, starts, unchanged_since[opening])
    return Judged(elapsed * followed, shaken | (from_strap & stuck), last_jump, unchanged_since)


def _shaken(keys: Array, seconds: Array, jumped: Array, starts: Array, carried: Array) -> tuple[Array, Array]:
    """Which samples lie too shortly behind a jump, and the last jump of each key."""
    if not jumped.any() and (seconds[starts] - carried >= SETTLE_S).all():
        return np.zeros(len(keys), dtype=bool), carried
    jumps = running_maximum(np.where(jumped, seconds, LONG_AGO), keys, starts, carried)
    return seconds - jumps < SETTLE_S, jumps[ends_of_runs(starts, len(keys))]


def _stuck(keys: Array, seconds: Array, moved: Array, starts: Array, carried: Array) -> tuple[Array, Array]:
    """Which samples have been the same for too long, and since when the last of each key is the same."""
    moves = np.where(moved, seconds, LONG_AGO)
    ends = ends_of_runs(starts, len(keys))
    if (seconds[ends] - carried < STUCK_S).all():
        return np.zeros(len(keys), dtype=bool), np.maximum(carried, of_runs(np.maximum, moves, starts))
    since = running_maximum(moves, keys, starts, carried)
    return seconds - since >= STUCK_S, since[ends]


def suspects(seconds: Array, heart_rate_bpm: Array, *, from_strap: bool = True) -> Array:
    """Which values of one member's series are suspect; seconds ascend."""
    size = len(seconds)
    past = np.array([LONG_AGO])
    return judge(
        np.zeros(size, dtype=np.int64),
        np.asarray(seconds, dtype=np.int64),
        np.asarray(heart_rate_bpm, dtype=np.int64),
        np.full(size, from_strap),
        last_second=past,
        last_value=past,
        last_jump=past,
        unchanged_since=past,
    ).suspect
