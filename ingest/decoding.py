"""From bytes at a door to device events: one at a time, so that one bad event never costs its neighbours.

Stricter than the flows' reading: unknown fields, doubled keys and oversized events are refused, since a field that nobody reads
may be a value in another unit or under another name.
"""

import json
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ingest.outcomes import Outcome, rejected
from schemas.events import DEVICE_EVENT_TYPES, DeviceEvent, device_event_decoder
from schemas.ranges import BATCH_EVENTS_MAX, EVENT_BYTES_MAX

FIELDS = {kind: frozenset({"type", *kind.__struct_fields__}) for kind in DEVICE_EVENT_TYPES}
COMMAS_MAX = BATCH_EVENTS_MAX * 256
"""No valid batch has more (a pose has 140): it bounds what splitting a hostile body can cost in memory."""
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class TooMany(Exception):
    """The batch holds more than a request may: send it in parts."""


class Malformed(Exception):
    """The body as a whole is not what was announced."""


class _Envelope(Struct):
    type: Raw | UnsetType = UNSET
    events: Raw | UnsetType = UNSET


_split = msgspec.json.Decoder(list[Raw])
_envelope = msgspec.json.Decoder(_Envelope)
_keys = msgspec.json.Decoder(dict[str, object])
_encode = msgspec.json.Encoder().encode


class _Identity(Struct):
    event_id: str = ""


_identity = msgspec.json.Decoder(_Identity)


def split_json(body: bytes) -> list[bytes]:
    """The raw events of a JSON body: an array, one event, or an object with `events`.

    Raises Malformed or TooMany.
    """
    if body.count(b",") > COMMAS_MAX:
        raise TooMany(f"the body holds more values than {BATCH_EVENTS_MAX} events can")
    try:
        if body.lstrip()[:1] == b"{":
            envelope = _envelope.decode(body)
            if envelope.events is UNSET or envelope.type is not UNSET:
                return [body]
            body = bytes(envelope.events)
        raws = _split.decode(body)
    except UNDECODABLE as fault:
        raise Malformed(f"not a JSON array of events: {fault}") from None
    if len(raws) > BATCH_EVENTS_MAX:
        raise TooMany(f"{len(raws)} events in one request; at most {BATCH_EVENTS_MAX}")
    return [bytes(raw) for raw in raws]


def split_lines(body: bytes) -> list[bytes]:
    """The raw events of an NDJSON body; empty lines are none."""
    if body.count(b"\n") > 2 * BATCH_EVENTS_MAX:
        raise TooMany(f"more than {BATCH_EVENTS_MAX} lines in one request")
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > BATCH_EVENTS_MAX:
        raise TooMany(f"{len(lines)} events in one request; at most {BATCH_EVENTS_MAX}")
    return lines


def decode_events(raws: Sequence[bytes]) -> list[DeviceEvent | Outcome]:
    """What `decode_event` says of each, found for all at once when nothing about any of them is unusual.

    Written again, an event has the keys that it must have: no texts but those it came with, and none that only repeats a
    default. So when all came with as many quotation marks, no key was doubled or unknown, and nothing more is to be looked at.
    """
    content = b"".join(raws)
    if b"\\" not in content and len(max(raws, key=len, default=b"")) <= EVENT_BYTES_MAX:
        try:
            events: list[DeviceEvent | Outcome] = list(map(device_event_decoder.decode, raws))
        except UNDECODABLE:
            return [decode_event(raw) for raw in raws]
        if content.count(b'"') == _encode(events).count(b'"'):
            return events
    return [decode_event(raw) for raw in raws]


def decode_event(raw: bytes) -> DeviceEvent | Outcome:
    """The device event in these bytes, or why it is refused, with the path of the field at fault."""
    if len(raw) > EVENT_BYTES_MAX:
        return rejected("too_large", f"the event has {len(raw)} bytes; at most {EVENT_BYTES_MAX}")
    try:
        event: DeviceEvent = device_event_decoder.decode(raw)
        keys = _keys.decode(raw)
    except msgspec.ValidationError as fault:
        return rejected("invalid", str(fault))
    except UNDECODABLE as fault:
        return rejected("malformed", f"not JSON: {fault}")
    if not keys.keys() <= FIELDS[type(event)]:
        unknown = min(keys.keys() - FIELDS[type(event)])[:40]
        return rejected("unknown_field", f"`$.{unknown}` is not a field of {keys['type']}")
    if _has_doubled_keys(raw, keys):
        return rejected("doubled_key", "a key occurs more than once in the object")
    return event


def event_id_of(raw: bytes) -> str:
    """The id that a refused event calls itself by, as far as it can be read."""
    if len(raw) > EVENT_BYTES_MAX:
        return ""
    try:
        return _identity.decode(raw).event_id[:64]
    except UNDECODABLE:
        return ""


def _has_doubled_keys(raw: bytes, keys: dict[str, object]) -> bool:
    """Whether an object that decoded well spelled a key twice.

    Every event is flat, its lists hold numbers, and without escapes a quotation mark only ever bounds a key or a text: each has
    two of them. With escapes the pairs themselves are compared.
    """
    if b"\\" not in raw:
        texts = sum([type(value) is str for value in keys.values()])
        return raw.count(b'"') != 2 * (len(keys) + texts)
    return _escaped_keys_doubled(raw)


def _escaped_keys_doubled(raw: bytes) -> bool:
    pairs: list[tuple[str, object]] = json.loads(raw, object_pairs_hook=list)
    return len({name for name, _value in pairs}) != len(pairs)
