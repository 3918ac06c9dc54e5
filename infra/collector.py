"""Python's garbage collector, for processes through whose hands events pass."""

import gc

COLLECT_AFTER = 50_000
"""Objects; by default it looks after 700."""


def spare_the_collector() -> None:
    """Call it when the process stands. Events are freed by counting; looking for cycles among them again and again, and
    through the whole directory, finds nothing and cost flow `live` a third of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
