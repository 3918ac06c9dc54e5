"""What could not be kept: its bytes, where it came from and why, on topic `dead-letters`."""

import msgspec
from msgspec import Struct

from schemas.ranges import EpochMs


class Rejected(Struct, frozen=True, kw_only=True, tag="rejected", tag_field="type"):
    """`place` is `topic:partition:offset` for a message, or the door's name for a request; `payload` travels as base64."""

    rejected_id: str
    place: str
    stage: str
    """Which part of the system refused it, such as `gateway` or `flow-store`."""
    reason: str
    """Machine-readable: lower_snake_case."""
    detail: str
    """For the reader: what was wrong, and where in the event."""
    rejected_at_ms: EpochMs
    payload: bytes
    topic: str
    """Where a retry must publish it."""
    key: bytes = b""


class Retried(Struct, frozen=True, kw_only=True, tag="retried", tag_field="type"):
    """That a rejected message was published again; if it is refused again, it is rejected with a new place and id."""

    rejected_id: str
    retried_at_ms: EpochMs


rejected_decoder = msgspec.json.Decoder(Rejected)
dead_letter_decoder = msgspec.json.Decoder(Rejected | Retried)
