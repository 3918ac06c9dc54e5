"""Bytewax step: drives one group's engine-free logic with batches and with time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from bytewax.operators import StatefulBatchLogic

from infra.clock import Clock
from infra.telemetry.metrics import FLOW_SNAPSHOT_SECONDS
from pipelines.messages import Batch, Output
from pipelines.progress import Progress

State = dict[str, Any]
LEAVE_MS = 2
"""What a batch gives needs some of the engine's rounds to reach the sinks. Everything else that is due begins so much later,
so that no alert waits for pictures or for the tick of a second."""
STORE_MS = 50
"""The same after a snapshot: until the engine has stored it no event is read, and all wait for what is done meanwhile."""
OVERDUE_MS = 100
"""What has been due for so long waits no more: a flow that is behind always has another batch on its way."""


class Group(Protocol):
    """What a group's logic offers. It never raises for a message's sake."""

    def take(self, batch: Batch) -> list[Output]: ...

    def wake(self, now_ms: int) -> list[Output]:
        """Do what is due, or a part of it: then more is due at once."""
        ...

    def next_wake_ms(self) -> int: ...

    def finish(self) -> list[Output]:
        """What must still get out before the process stops; state stays as it is."""
        ...

    def snapshot(self) -> State: ...


class GroupLogic(StatefulBatchLogic[Batch, Output, State]):
    """One per group; kept for ever, its key is the group's name and never a member or a session."""

    def __init__(self, group: Group, flow: str, progress: Progress, clock: Clock) -> None:
        self._group = group
        self._progress = progress
        self._clock = clock
        self._batches_taken = 0
        self._left_at_ms = 0
        self._seconds = FLOW_SNAPSHOT_SECONDS.labels(flow)

    def on_batch(self, values: list[Batch]) -> tuple[list[Output], bool]:
        self._batches_taken += len(values)
        outputs = [output for batch in values for output in self._group.take(batch)]
        self._left_at_ms = self._clock() + LEAVE_MS if outputs else 0
        return outputs, self.RETAIN

    def on_notify(self) -> tuple[list[Output], bool]:
        """Do what is due. The engine calls this right after `on_batch`, too, when something was due before."""
        now_ms = self._clock()
        return self._group.wake(now_ms) if self._may_wake(now_ms) else [], self.RETAIN

    def on_eof(self) -> tuple[list[Output], bool]:
        return self._group.finish(), self.RETAIN

    def notify_at(self) -> datetime:
        return datetime.fromtimestamp(max(self._group.next_wake_ms(), self._left_at_ms) / 1_000, UTC)

    def snapshot(self) -> State:
        with self._seconds.time():
            state = self._group.snapshot()
        self._left_at_ms = self._clock() + STORE_MS
        return state

    def _may_wake(self, now_ms: int) -> bool:
        due_for_ms = now_ms - self._group.next_wake_ms()
        calm = now_ms >= self._left_at_ms and self._batches_taken == self._progress.batches
        return due_for_ms >= (0 if calm else OVERDUE_MS)


def group_logic(
    build: Callable[[State | None], Group], flow: str, progress: Progress, clock: Clock
) -> Callable[[State | None], GroupLogic]:
    """The builder that Bytewax calls with the resumed state."""
    return lambda state: GroupLogic(build(state), flow, progress, clock)
