"""What was refused, counted by reason, topic and source, with what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from infra.dead_letters import DeadLetter
from schemas.unreadable import UNREADABLE

UNKNOWN = "unknown"
AGAIN = "When the cause is mended: `paceline dead-letters retry <id>`."
REMEDIES: Mapping[str, str] = {
    "unknown_session": "The event names a session that the directory does not know: was the class removed, or the topic "
    f"`directory` lost? {AGAIN}",
    "unknown_member": "A device sends for somebody who is not in the club: correct the device's member, or add the person.",
    "not_a_participant": f"The member is not on this class's roster: add them, then retry. {AGAIN}",
    "forbidden_member": "A member's token sends for another member: give the device its own token (`paceline devices add`).",
    "not_json": "The sender does not speak the protocol (docs/devices.md); nothing can be retried.",
    "empty_message": "Somebody writes empty messages into the topic: look who may produce there.",
    "unknown_type": "The sender is newer than this house, or invents types: upgrade, then retry.",
    "unknown_field": "The sender misspells a field (docs/devices.md): tell its maker.",
    "invalid": "A value is outside what is possible (docs/devices.md): tell the device's maker.",
    "invalid_event": "A value is outside what is possible (docs/devices.md): tell the device's maker.",
    "too_old": "The device sent later than the topics keep: nothing to do, unless its clock is wrong.",
    "too_far_ahead": "The device's clock is ahead: set it.",
    "too_large": "One event is larger than any real one: look at the sender.",
    "not_processable": "Our fault: the event is valid and a flow failed on it. Report what `paceline dead-letters show` "
    f"tells. {AGAIN}",
}
OTHERWISE = "Look at one: `paceline dead-letters show <id>`."


@dataclass(frozen=True)
class DigestLine:
    """Letters that have reason, topic and source in common."""

    reason: str
    topic: str
    source: str
    letters: int
    waiting: int
    newest_ms: int
    example: str
    what_to_do: str


def digest(letters: Iterable[DeadLetter], since_ms: int = 0) -> list[DigestLine]:
    """One line for each reason, topic and source; most letters first. Only what was refused since then."""
    groups: dict[tuple[str, str, str], list[DeadLetter]] = {}
    for letter in letters:
        rejected = letter.rejected
        if rejected.rejected_at_ms >= since_ms:
            key = (rejected.reason, rejected.topic or rejected.place, source_of(rejected.payload))
            groups.setdefault(key, []).append(letter)
    lines = [_line(*key, same) for key, same in groups.items()]
    return sorted(lines, key=lambda line: (-line.letters, line.reason, line.topic, line.source))


def source_of(payload: bytes) -> str:
    """The data source, or else the device, that a refused event names."""
    try:
        event = msgspec.json.decode(payload)
    except UNREADABLE:
        return UNKNOWN
    named = (event.get("source") or event.get("device_id")) if isinstance(event, dict) else None
    return str(named)[:60] if named else UNKNOWN


def _line(reason: str, topic: str, source: str, letters: list[DeadLetter]) -> DigestLine:
    newest = max(letters, key=lambda letter: letter.rejected.rejected_at_ms)
    return DigestLine(
        reason=reason,
        topic=topic,
        source=source,
        letters=len(letters),
        waiting=sum(letter.retried_at_ms is None for letter in letters),
        newest_ms=newest.rejected.rejected_at_ms,
        example=newest.rejected.rejected_id,
        what_to_do=REMEDIES.get(reason, OTHERWISE),
    )
