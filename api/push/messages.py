"""A message between trainer and member as clients get it, over the socket and by REST."""

from typing import Any

from api.push.channels import iso
from schemas.messages import LiveMessage


def message_shown(message: LiveMessage) -> dict[str, Any]:
    """The documented `message` behind its envelope; `from` is the sender's id. Who else it went to is not told."""
    return {
        "session_id": message.session_id,
        "timestamp": iso(message.sent_at_ms),
        "message": {
            "id": message.message_id,
            "from": str(message.sender_id),
            "from_name": message.sender_name,
            "from_role": message.sender_role,
            "to": None if message.recipient_id is None else str(message.recipient_id),
            "text": message.text,
        },
    }
