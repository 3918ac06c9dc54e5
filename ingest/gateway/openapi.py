"""The events' schemas in the gateway's OpenAPI document, generated from the structs that the door decodes."""

from typing import Any

import msgspec

from ingest.gateway.door import Answer
from ingest.gateway.running import RunningSessions
from schemas.events import DEVICE_EVENT_TYPES, DeviceEvent

TYPES = (DeviceEvent, Answer, RunningSessions)
_shapes, COMPONENTS = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
_event, _answer, _running = _shapes
_batch = {"type": "array", "items": _event, "maxItems": 1000}
_example = {
    "type": "heart_rate",
    "event_id": "strap-7-000001",
    "member_id": 7,
    "device_id": "strap-7",
    "event_time_ms": 1795248000000,
    "heart_rate_bpm": 142,
    "rr_ms": [421, 423],
}
EVENTS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [_event, _batch, {"type": "object", "properties": {"events": _batch}}]},
                "example": {"events": [_example]},
            },
            "application/x-ndjson": {"schema": {"type": "string", "description": "one event a line"}},
        },
    },
    "security": [{"device": []}],
}


def _response(description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description, **({"content": {"application/json": {"schema": schema}}} if schema else {})}


EVENTS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _response("Every event is accounted for; refused ones are listed with index and reason", _answer),
    401: _response("No valid device token, or it was revoked"),
    403: _response("The token may not send for these members", _answer),
    408: _response("The body came too slowly"),
    413: _response("Body over 16 MiB unpacked, event over 64 KiB or more than 1,000 events", _answer),
    415: _response("Neither JSON nor NDJSON, or neither plain nor gzip"),
    422: _response("No event of the request is acceptable; each is listed with its reason", _answer),
    429: _response("Faster than the token may; see Retry-After"),
    503: _response("Kafka is slow or away: send the same again after Retry-After, it will not count twice", _answer),
}
SESSIONS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _response("Running sessions", _running),
    401: _response("No valid device token, or it was revoked"),
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add the structs and the token to a document that FastAPI made."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(COMPONENTS)
    components["securitySchemes"] = {"device": {"type": "http", "scheme": "bearer", "description": "device token pd_…"}}
    document["info"]["description"] = f"The door for devices: {len(DEVICE_EVENT_TYPES)} kinds of events, one or many at a time."
    return document
