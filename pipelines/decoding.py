"""From bytes to events: what cannot be read, belongs to no session or cannot be processed leaves as a dead letter."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from infra.clock import Clock
from infra.dead_letters import reject
from infra.telemetry.logs import logger
from infra.telemetry.metrics import FLOW_EVENTS
from pipelines.messages import Message, Publish
from schemas.events import DEVICE_EVENT_TYPES, AppEvent, Reading, app_event_decoder, reading_decoder
from schemas.rejected import Rejected
from schemas.synthetic import SYNTHETIC_SESSION_SET
from schemas.topics import DEAD_LETTERS
from schemas.unreadable import UNREADABLE

log = logger(__name__)
Event = TypeVar("Event", Reading, AppEvent)
READING_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in DEVICE_EVENT_TYPES)
encode = msgspec.json.Encoder().encode


@dataclass
class Decoded(Generic[Event]):
    """Events and the messages they came in, position by position."""

    events: list[Event]
    messages: list[Message]

    @cached_property
    def session_ids(self) -> set[str]:
        """The sessions of all events; do not change it."""
        return {event.session_id for event in self.events}

    def keep(self, wanted: Callable[[Event], bool]) -> "Decoded[Event]":
        """Those events that are wanted."""
        kept = [at for at, event in enumerate(self.events) if wanted(event)]
        return Decoded([self.events[at] for at in kept], [self.messages[at] for at in kept])


class Letters:
    """Collects the dead letters of one flow until they are taken."""

    def __init__(self, flow: str, clock: Clock) -> None:
        self._stage = f"flow-{flow}"
        self._clock = clock
        self._written: list[Rejected] = []
        self._count = FLOW_EVENTS.labels(flow, "rejected")

    def write(self, message: Message, reason: str, detail: str) -> None:
        """Refuse one message."""
        self._written.append(reject(message, stage=self._stage, reason=reason, detail=detail, at_ms=self._clock()))
        self._count.inc()
        log.warning("event_rejected", place=self._written[-1].place, reason=reason, detail=detail)

    def take(self) -> list[Publish]:
        """The letters written since the last call, ready for the topic."""
        taken, self._written = self._written, []
        return [Publish(DEAD_LETTERS.name, letter.stage.encode(), encode(letter)) for letter in taken]


def decode_readings(messages: list[Message], letters: Letters) -> Decoded[Reading]:
    """The readable device events of a batch, read for their numbers."""
    decoded = _decode(messages, reading_decoder, letters)
    if {reading.type for reading in decoded.events} <= READING_TYPES:
        return decoded
    for reading, message in zip(decoded.events, decoded.messages, strict=True):
        if reading.type not in READING_TYPES:
            letters.write(message, "unknown_type", f"type: {reading.type!r} is none of {', '.join(sorted(READING_TYPES))}")
    return decoded.keep(lambda reading: reading.type in READING_TYPES)


def without_synthetic(decoded: Decoded[Reading]) -> tuple[Decoded[Reading], list[Reading]]:
    """The events of people, and apart from them those of the synthetic member."""
    if SYNTHETIC_SESSION_SET.isdisjoint(decoded.session_ids):
        return decoded, []
    apart = [reading for reading in decoded.events if reading.session_id in SYNTHETIC_SESSION_SET]
    return decoded.keep(lambda reading: reading.session_id not in SYNTHETIC_SESSION_SET), apart


def decode_app_events(messages: list[Message], letters: Letters) -> Decoded[AppEvent]:
    """The readable app events of a batch."""
    return _decode(messages, app_event_decoder, letters)


def isolate(decoded: Decoded[Event], process: Callable[[Sequence[Event]], None], letters: Letters) -> int:
    """Process events together; those that cannot be processed leave as dead letters. See `halved`."""

    def refuse(at: int, fault: Exception) -> None:
        refuse_unprocessable(decoded.messages[at], decoded.events[at].event_id, fault, letters)

    return halved(len(decoded.events), lambda part: process(decoded.events[part]), refuse)


def halved(count: int, process: Callable[[slice], None], refuse: Callable[[int, Exception], None]) -> int:
    """Process positions 0 to `count` together; when that fails, in halves, until the culprits are alone and are refused.

    `process` must bear to see an event twice. Returns how many were processed.
    """
    done, waiting = 0, [slice(0, count)] if count else []
    while waiting:
        part = waiting.pop()
        try:
            process(part)
        except Exception as fault:  # noqa: BLE001 - whatever it stumbles over, one event must not stop the flow
            if part.stop - part.start == 1:
                refuse(part.start, fault)
                continue
            middle = (part.start + part.stop) // 2
            waiting += [slice(middle, part.stop), slice(part.start, middle)]
        else:
            done += part.stop - part.start
    return done


def refuse_unprocessable(message: Message, event_id: str, fault: Exception, letters: Letters) -> None:
    """The exit of an event that the flow's logic stumbles over."""
    log.error("event_not_processable", event_id=event_id, trace="".join(traceback.format_exception(fault, limit=-4)))
    letters.write(message, "not_processable", f"{type(fault).__name__}: {fault}")


def _decode(messages: list[Message], decoder: msgspec.json.Decoder[Event], letters: Letters) -> Decoded[Event]:
    decode = decoder.decode
    try:
        return Decoded([decode(message.value()) for message in messages], messages)
    except UNREADABLE:
        pass  # some message of the batch is bad: find out which
    events: list[Event] = []
    good: list[Message] = []
    for message in messages:
        try:
            events.append(decode(message.value()))
        except UNREADABLE as fault:
            letters.write(message, _reason(message, fault), str(fault))
        else:
            good.append(message)
    return Decoded(events, good)


def _reason(message: Message, fault: Exception) -> str:
    if message.value() is None:
        return "empty_message"
    return "invalid_event" if isinstance(fault, msgspec.ValidationError) else "not_json"
