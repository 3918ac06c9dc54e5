"""What the door refused, kept with bytes and reason on `dead-letters`, at a bounded rate."""

import msgspec

from infra.acknowledging_producer import AcknowledgingProducer
from infra.clock import Clock
from infra.dead_letters import DETAIL_MAX, GATEWAY, rejected_id
from infra.telemetry.metrics import DEAD_LETTERS_SKIPPED
from schemas.ranges import EVENT_BYTES_MAX
from schemas.rejected import Rejected
from schemas.topics import DEAD_LETTERS, DEVICE_EVENTS

PER_S = 50.0
BURST = 1_000.0
encode = msgspec.json.Encoder().encode


class RefusedBytes:
    """Writes dead letters of one door. A flood of bad events costs its sender an answer, not our disk: the topic keeps a
    bounded number of bytes."""

    def __init__(self, producer: AcknowledgingProducer, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock
        self._room = BURST
        self._at_ms = clock()
        self._written = 0

    def write(self, door: str, device_id: str, payload: bytes, reason: str, detail: str) -> None:
        """Keep one refused event of an authenticated device; beyond the rate it is only counted."""
        now_ms = self._clock()
        self._room = min(BURST, self._room + max(0, now_ms - self._at_ms) / 1000 * PER_S)
        self._at_ms = now_ms
        if self._room < 1:
            DEAD_LETTERS_SKIPPED.labels(GATEWAY).inc()
            return
        self._room -= 1
        self._written += 1
        letter = Rejected(
            rejected_id=rejected_id(f"{door}:{now_ms}:{self._written}"),
            place=f"{door} of {device_id}",
            stage=GATEWAY,
            reason=reason,
            detail=detail[:DETAIL_MAX],
            rejected_at_ms=now_ms,
            payload=payload[:EVENT_BYTES_MAX],
            topic=DEVICE_EVENTS.name,
        )
        self._producer.send(DEAD_LETTERS.name, [(letter.rejected_id, GATEWAY.encode(), encode(letter))])
