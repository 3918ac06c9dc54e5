"""The OpenAPI document: kept in the repository, complete, and shown without help from elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

import schemas
from api.app import create_app, openapi_text
from infra.settings import Settings
from tests.conftest import FakeClock

GOLDEN = Path(schemas.__path__[0]) / "generated" / "openapi.json"


def _document() -> dict[str, Any]:
    app = create_app(Settings.model_validate({"jwt_secret": "x" * 64}), FakeClock())
    found: dict[str, Any] = json.loads(openapi_text(app))
    return found


def test_the_kept_document_is_that_of_the_code() -> None:
    assert json.loads(GOLDEN.read_text()) == _document(), "schemas/generated/openapi.json is old: run `paceline openapi`"


def test_every_call_has_a_summary_a_description_a_tag_and_a_name_of_its_own() -> None:
    calls = [call for calls in _document()["paths"].values() for call in calls.values()]
    assert [c for c in calls if not (c.get("summary") and c.get("description") and c.get("tags"))] == []
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    document = _document()
    text = json.dumps(document)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert used <= known
    assert {"#/components/schemas/Alert", "#/components/schemas/SessionRecord"} <= used


def test_problems_are_described_for_every_call() -> None:
    for calls in _document()["paths"].values():
        for call in calls.values():
            assert "application/problem+json" in call["responses"]["4XX"]["content"], call["operationId"]


@pytest.mark.parametrize(
    "path", ["/api/v1/classes/{class_id}/start", "/api/v1/classes", "/api/v1/sessions/{session_id}/markers"]
)
def test_calls_that_create_take_an_idempotency_key(path: str) -> None:
    parameters = _document()["paths"][path]["post"]["parameters"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in parameters]
