"""Messages between trainer and members as they travel on topic `live-messages`; kept for good in the control plane."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.ranges import EpochMs, EventId, MemberId, SessionId, ShortText

MESSAGE_LENGTH_MAX = 500
"""A message is read in passing, between two intervals."""
RECIPIENTS_MAX = 10_000

MessageText = Annotated[str, Meta(min_length=1, max_length=MESSAGE_LENGTH_MAX)]


class LiveMessage(Struct, frozen=True, kw_only=True, tag="message", tag_field="type"):
    """One message, once, whoever it is for. A reader that met its `message_id` before leaves it out."""

    message_id: EventId
    session_id: SessionId
    sent_at_ms: EpochMs
    sender_id: MemberId
    sender_name: ShortText
    sender_role: Literal["member", "trainer", "admin"]
    recipient_id: MemberId | None
    """Whom it is for; none: the whole class."""
    recipients: Annotated[tuple[MemberId, ...], Meta(max_length=RECIPIENTS_MAX)]
    """To whose channel it goes: of the whole class, those who took part when it was sent."""
    text: MessageText


message_decoder = msgspec.json.Decoder(LiveMessage)
