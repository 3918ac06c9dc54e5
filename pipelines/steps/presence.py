"""Live, stale, left or without a strap: by the age of a member's newest value, never by what was shown last."""

from typing import Final

import numpy as np

from pipelines.steps.columns import Array
from pipelines.steps.members import LEFT, LIVE, NO_STRAP, STALE, Members
from pipelines.steps.ring import VALUE_BITS

STALE_AFTER_MS: Final = 5_000
LEFT_AFTER_MS: Final = 180_000


def newest_ms(members: Members, rows: Array) -> Array:
    """Event time of each row's newest value of any metric, from the session's start; negative when there is none."""
    newest: Array = members.newest[rows].max(axis=1) >> VALUE_BITS
    return newest


def presence(members: Members, rows: Array, now_ms: Array) -> Array:
    """State codes of rows; `now_ms` counts from each row's session start."""
    newest = newest_ms(members, rows)
    age = now_ms - newest
    states = np.select([newest < 0, age > LEFT_AFTER_MS, age > STALE_AFTER_MS], [NO_STRAP, LEFT, STALE], LIVE)
    gone = members.checked_out[rows] | members.removed[rows]
    return np.where(gone, LEFT, states).astype(np.uint8)
