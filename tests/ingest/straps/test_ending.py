"""A task is ended for good, also when something on its way swallows a cancellation."""

import asyncio

import pytest

from ingest.straps.ending import end


class Stubborn:
    """Goes on after so many cancellations."""

    def __init__(self, swallows: int) -> None:
        self.swallowed = 0
        self.swallows = swallows

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if self.swallowed == self.swallows:
                    raise
                self.swallowed += 1


@pytest.mark.parametrize("swallows", [0, 1, 3])
async def test_a_task_is_cancelled_until_it_has_ended(swallows: int) -> None:
    stubborn, willing = Stubborn(swallows), Stubborn(0)
    tasks = [asyncio.create_task(one.run()) for one in (stubborn, willing)]
    await asyncio.sleep(0)
    await end(tasks, again_after_s=0.01)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert stubborn.swallowed == swallows


async def test_what_has_failed_on_its_own_is_no_concern_any_more() -> None:
    async def fail() -> None:
        raise ValueError

    await end([asyncio.create_task(fail())], again_after_s=0.01)
    await end([])
