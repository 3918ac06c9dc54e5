"""Bytewax step: drives one group's engine-free logic with batches and with time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from bytewax.operators import StatefulBatchLogic

from infra.clock import Clock
from infra.telemetry.metrics import FLOW_SNAPSHOT_SECONDS
from pipelines.messages import Batch, Output

State = dict[str, Any]


class Group(Protocol):
    """What a group's logic offers. It never raises for a message's sake."""

    def take(self, batch: Batch) -> list[Output]: ...

    def wake(self, now_ms: int) -> list[Output]:
        """Do what is due."""
        ...

    def next_wake_ms(self) -> int: ...

    def finish(self) -> list[Output]:
        """What must still get out before the process stops; state stays as it is."""
        ...

    def snapshot(self) -> State: ...


class GroupLogic(StatefulBatchLogic[Batch, Output, State]):
    """One per group; kept for ever, its key is the group's name and never a member or a session."""

    def __init__(self, group: Group, flow: str, clock: Clock) -> None:
        self._group = group
        self._clock = clock
        self._seconds = FLOW_SNAPSHOT_SECONDS.labels(flow)

    def on_batch(self, values: list[Batch]) -> tuple[list[Output], bool]:
        outputs = [output for batch in values for output in self._group.take(batch)]
        now_ms = self._clock()
        if now_ms >= self._group.next_wake_ms():
            outputs += self._group.wake(now_ms)
        return outputs, self.RETAIN

    def on_notify(self) -> tuple[list[Output], bool]:
        now_ms = self._clock()
        return self._group.wake(now_ms) if now_ms >= self._group.next_wake_ms() else [], self.RETAIN

    def on_eof(self) -> tuple[list[Output], bool]:
        return self._group.finish(), self.RETAIN

    def notify_at(self) -> datetime:
        return datetime.fromtimestamp(self._group.next_wake_ms() / 1_000, UTC)

    def snapshot(self) -> State:
        with self._seconds.time():
            return self._group.snapshot()


def group_logic(build: Callable[[State | None], Group], flow: str, clock: Clock) -> Callable[[State | None], GroupLogic]:
    """The builder that Bytewax calls with the resumed state."""
    return lambda state: GroupLogic(build(state), flow, clock)
