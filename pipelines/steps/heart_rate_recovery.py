"""Heart-rate recovery: how fast the heart calms down when effort ends."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.rolling import second_grid

RECOVERY_S: Final = 60
HARD_SHARE: Final = 0.85
"""Only a fall from this share of the session's highest heart rate is recovery from effort."""


def greatest_fall_bpm(seconds: ArrayLike, heart_rate_bpm: ArrayLike) -> int | None:
    """The greatest fall within 60 s from a heart rate of at least 85 % of the highest, bpm (after Cole 1999).

    Cole measured from the end of one maximal test; in a session of many efforts the greatest fall stands for it. None when
    no two values lie 60 s apart, or heart rate only rose.
    """
    grid, present = second_grid(np.asarray(seconds, dtype=np.int64), np.asarray(heart_rate_bpm, dtype=np.int64))
    if len(grid) <= RECOVERY_S:
        return None
    before, after = grid[:-RECOVERY_S], grid[RECOVERY_S:]
    valid = present[:-RECOVERY_S] & present[RECOVERY_S:] & (before >= HARD_SHARE * grid.max())
    falls = (before - after)[valid]
    return int(falls.max()) if len(falls) and falls.max() > 0 else None
