"""Which heart rates to distrust: sudden jumps and values that do not move at all."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.segments import LONG_AGO, before, first_of_run, running_maximum
from pipelines.steps.time_in_zone import GAP_S

JUMP_BPM: Final = 30
"""A change beyond this within one second is no heart's doing."""
SETTLE_S: Final = 5
"""After a jump nothing is trusted for so long: a glitch of a few seconds, and the way back from it, are left out too."""
STUCK_S: Final = 30
"""A strap whose value has not changed at all for so long has lost the skin."""


@dataclass
class Judged:
    """Samples of one or many members with what is known about each; arrays of equal length."""

    interval_s: Array
    """Since the sample before; 0 after a gap and for the first."""
    suspect: Array
    last_jump: Array
    unchanged_since: Array


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
    first = first_of_run(keys)
    opening = keys[first]
    seconds_before = before(seconds, first, last_second[opening])
    values_before = before(values, first, last_value[opening])
    elapsed = seconds - seconds_before
    followed = elapsed <= GAP_S
    jumped = (elapsed == 1) & (np.abs(values - values_before) > JUMP_BPM)
    jumps = running_maximum(np.where(jumped, seconds, LONG_AGO), keys, first, last_jump[opening])
    moved = (values != values_before) | ~followed
    since = running_maximum(np.where(moved, seconds, LONG_AGO), keys, first, unchanged_since[opening])
    suspect = (seconds - jumps < SETTLE_S) | (from_strap & (seconds - since >= STUCK_S))
    return Judged(np.where(followed, elapsed, 0), suspect, jumps, since)


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
