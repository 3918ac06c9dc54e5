"""Where a class stands in its plan, as far as alert rules need to know it."""

from pipelines.steps.alerts import AlertConfig
from pipelines.steps.session import Session

EDGE_SHARE = 0.25
"""However the plan is cut, so much of it at either end is the most that counts as warm-up or cool-down."""
PARTS_MIN = 3
"""A plan of fewer parts names no warm-up and no cool-down."""


def in_main_part(session: Session, second: int, config: AlertConfig) -> bool:
    """Whether being too slow, too easy or too low means anything at this second from the session's start.

    Nobody is too slow while warming up or cooling down, and that is what the first and the last part of a plan are, whatever
    they are called in the club's language. A class without such a plan has five minutes of each. Pauses stop the class clock.
    """
    at = session.clock_s((session.started_s + second) * 1000)
    lengths = [segment.duration_s for segment in session.record.segments]
    if len(lengths) < PARTS_MIN:
        return config.warm_up_s <= at < session.record.planned_duration_s - config.cool_down_s
    whole = sum(lengths)
    most = EDGE_SHARE * whole
    return min(lengths[0], most) <= at < whole - min(lengths[-1], most)
