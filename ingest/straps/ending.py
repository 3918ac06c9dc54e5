"""Tasks that must end, though a library on the way may swallow the cancellation."""

import asyncio
from collections.abc import Iterable

AGAIN_AFTER_S = 6.0
"""Longer than a strap may take to part."""


async def end(tasks: Iterable[asyncio.Task[None]], again_after_s: float = AGAIN_AFTER_S) -> None:
    """Cancel them until they have ended; what they raise is nobody's concern any more.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which Bluetooth libraries use, swallows a cancellation that meets
    what it waited for, and the strap would be followed on.
    """
    ending = left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _done, left = await asyncio.wait(left, timeout=again_after_s)
    await asyncio.gather(*ending, return_exceptions=True)
