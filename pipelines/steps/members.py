"""The members of running sessions: one row each, with what is known of them beside their totals."""

from typing import Final

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.segments import LONG_AGO

HEART_RATE, POWER, CADENCE, SPEED = range(4)
"""Positions of the measured metrics; each has its own ring."""
NEVER: Final = 2**62
ENDLESS: Final = 2**31 - 1
NO_STRAP, LIVE, STALE, LEFT = range(4)
STATE_NAMES: Final = ("no_strap", "live", "stale", "left")


class Members(Table):
    """One row a member of a session. Times count from the session's start second."""

    session: Array = column(np.int32)
    """Position in the shard's list of sessions."""
    phase: Array = column(np.uint8)
    """The second of the minute at which the session began."""
    member_id: Array = column(np.int64)
    head: Array = column(np.int32, fill=-1)
    """Newest second with a value of any metric; -1 before the first."""
    newest: Array = column(np.int64, 4, fill=-1)
    """Per metric, the newest value ever: millisecond << 16 | value."""
    first_ms: Array = column(np.int64, fill=NEVER)
    checked_in: Array = column(np.bool_)
    checked_out: Array = column(np.bool_)
    removed: Array = column(np.bool_)
    """No longer on the roster."""
    presence: Array = column(np.uint8)
    disturbed: Array = column(np.bool_)
    """A reading landed in a second that the shown totals already contain."""
    changed: Array = column(np.bool_)
    """Something shown may have changed since the last live update."""


class Marks(Table):
    """The totals as they stood when the open minute began; what came since is the minute. Names are those of `Totals`."""

    seconds_seen: Array = column(np.int32)
    heart_rate_count: Array = column(np.int32)
    heart_rate_sum: Array = column(np.int32)
    zone_s: Array = column(np.int32, 6)
    trimp: Array = column(np.int64)
    power_count: Array = column(np.int32)
    power_sum: Array = column(np.int64)
    cadence_count: Array = column(np.int32)
    cadence_sum: Array = column(np.int64)
    speed_count: Array = column(np.int32)
    speed_sum: Array = column(np.int64)


class Watch(Table):
    """How far each member's heart rate has been judged for alerts, second by second in the order of arrival."""

    second: Array = column(np.int32, fill=LONG_AGO)
    """The second that is still open."""
    cell: Array = column(np.uint32)
    last: Array = column(np.int32, fill=LONG_AGO)
    value: Array = column(np.int16)
    jump: Array = column(np.int32, fill=LONG_AGO)
    unchanged: Array = column(np.int32, fill=LONG_AGO)
    stored_from: Array = column(np.int32, fill=ENDLESS)
    """First and last second that came from a device's store, not live: what happened then is past."""
    stored_until: Array = column(np.int32, fill=LONG_AGO)


class Sessions(Table):
    """One row a session: what whole columns of events need to know of it."""

    started_s: Array = column(np.int64)
    ended: Array = column(np.int32, fill=ENDLESS)
    """Last second that counts, from the start."""
    newest_event_ms: Array = column(np.int64)
    newest_received_ms: Array = column(np.int64)
