"""Waiting, on the event loop, for what other processes or tasks do."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.1


async def until(condition: Callable[[], object]) -> None:
    """Return when it holds."""
    while not condition():  # noqa: ASYNC110 - other processes set no asyncio.Event
        await asyncio.sleep(LOOK_EVERY_S)


async def until_told(ask: Callable[[], Awaitable[bool]], every_s: float) -> None:
    """Return when the answer is yes."""
    while not await ask():  # noqa: ASYNC110 - as above
        await asyncio.sleep(every_s)
