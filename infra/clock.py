"""Time, passed in: entry points hand a clock down, nothing below them asks the system."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Milliseconds since 1970-01-01 UTC."""


def system_clock() -> int:
    """The machine's wall clock."""
    return time.time_ns() // 1_000_000
