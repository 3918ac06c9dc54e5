"""How far a flow is: shared by its source, its logic, its metrics and its readiness."""

from collections.abc import Mapping

from infra.telemetry.metrics import FLOW_LAG_MESSAGES
from pipelines.messages import Place

CAUGHT_UP_WITHIN_MS = 2_000


class Progress:
    """Written by the flow's thread, read by any."""

    def __init__(self, flow: str, group: int) -> None:
        self.lag_messages: int | None = None
        """Messages behind the log's end; none before it is known."""
        self.newest_published_ms = 0
        self.batches = 0
        """Handed by the source to the engine; the next step has them a few of the engine's rounds later."""
        self.trouble = ""
        """Why results do not get out at the moment; empty when they do."""
        self._gauge = FLOW_LAG_MESSAGES.labels(flow, str(group))

    def measured(self, positions: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
        """Take note of where the flow stands and where the log ends."""
        self.lag_messages = sum(max(0, end - positions[place]) for place, end in ends.items())
        self._gauge.set(self.lag_messages)

    def caught_up(self, now_ms: int) -> bool:
        """Whether the flow sees the present: silence now means that nobody sends."""
        if self.lag_messages is None:
            return False
        return self.lag_messages == 0 or self.newest_published_ms >= now_ms - CAUGHT_UP_WITHIN_MS

    def why_not_ready(self) -> str:
        """Why the flow is not ready; empty when it is."""
        if self.lag_messages is None:
            return "not consuming yet"
        return self.trouble
