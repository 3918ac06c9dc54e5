"""Requests made from the OpenAPI document by chance: nothing that anybody sends makes the API fail."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from infra.settings import Settings
from tests.api.running_api import RunningApi, own_database, running_api

pytestmark = pytest.mark.servers
TEXTS = st.text(max_size=30) | st.sampled_from(["", "\x00", "a" * 5000, "💥", "'; --", "NaN", "../..", "-1"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, 2, 3])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _values(document: dict[str, Any], schema: dict[str, Any]) -> SearchStrategy[Any]:
    """Mostly what the schema asks for, so that requests reach the inside."""
    if "$ref" in schema:
        return _values(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return st.one_of([_values(document, option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _by_type(document, schema)


def _by_type(document: dict[str, Any], schema: dict[str, Any]) -> SearchStrategy[Any]:
    match schema.get("type"):
        case "integer":
            return st.integers(schema.get("minimum", -9), min(schema.get("maximum", 9), 2**60)) | st.integers(1, 9)
        case "number":
            return st.floats(schema.get("minimum", -9), schema.get("maximum", 1e6))
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(_values(document, schema.get("items", {})), max_size=4)
        case "object":
            fields = {name: _values(document, kind) for name, kind in schema.get("properties", {}).items()}
            required = set(schema.get("required", []))
            needed = {name: kind for name, kind in fields.items() if name in required}
            return st.fixed_dictionaries(needed, optional={n: k for n, k in fields.items() if n not in required})
        case "string":
            return _texts(schema)
        case _:
            return ANYTHING


def _texts(schema: dict[str, Any]) -> SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    if schema.get("format") == "date":
        return st.dates().map(str)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: len(text) < 300)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 40), 40))


@pytest.fixture(scope="module")
def own_api(servers: Settings) -> Iterator[RunningApi]:
    """An API with a database of its own, because chance may change anybody's role."""
    with running_api(own_database(servers, "fuzz_test"), members=3) as running:
        yield running


@pytest.fixture(scope="module")
def document(own_api: RunningApi) -> dict[str, Any]:
    found: dict[str, Any] = own_api.anonymous().get("/openapi.json").json()
    return found


def _request(data: DataObject, document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    call = document["paths"][path][method]
    query: dict[str, str] = {}
    for parameter in call.get("parameters", []):
        value = data.draw(_values(document, parameter["schema"]) | TEXTS)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe="") or "0")
        elif parameter["in"] == "query" and value is not None:
            query[parameter["name"]] = str(value)
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    body = data.draw(_values(document, schema) | ANYTHING) if schema else None
    return {"method": method.upper(), "url": path, "params": query, "json": body}


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_the_api_fail(own_api: RunningApi, document: dict[str, Any], data: DataObject) -> None:
    paths = document["paths"]
    calls = [(method, path) for path in paths for method in paths[path] if path not in {"/metrics", "/ready"}]
    method, path = data.draw(st.sampled_from(calls))
    request = _request(data, document, method, path)
    role = data.draw(st.sampled_from(["admin", "trainer", "member"]))
    answer = own_api.as_(role).request(**request)
    assert answer.status_code < 500, (request, answer.text)
    if answer.status_code >= 400 and path.startswith("/api"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
