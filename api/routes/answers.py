"""Answers made of the shared vocabulary: encoded by msgspec, and named in OpenAPI by its schemas."""

from typing import Any

import msgspec
from starlette.responses import Response

from schemas.alerts import Alert
from schemas.directory import SessionRecord
from schemas.live import ClassMetrics

REFERENCE = "#/components/schemas/{name}"
SHARED: tuple[Any, ...] = (Alert, SessionRecord, ClassMetrics)
Json = dict[str, Any]

PROBLEM_SCHEMA: Json = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "a short fixed name that programs may switch on"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "of 422: each value that is not usable"},
    },
}


def fresh(content: Any, status: int = 200) -> Response:
    """JSON that nobody may keep."""
    body = msgspec.json.encode(content)
    return Response(body, status, headers={"Cache-Control": "no-store"}, media_type="application/json")


def shared_schemas() -> Json:
    """JSON Schemas of the shared vocabulary for OpenAPI's components."""
    _roots, components = msgspec.json.schema_components(SHARED, ref_template=REFERENCE)
    return components


def shaped(description: str, properties: Json) -> dict[int | str, Json]:
    """OpenAPI's words for an answer with these properties."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


def ref(name: str) -> Json:
    """A reference to a shared schema."""
    return {"$ref": REFERENCE.format(name=name)}


def list_of(item: Json) -> Json:
    """An array of these."""
    return {"type": "array", "items": item}


POINTS = list_of({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}], "minItems": 2, "maxItems": 2})
