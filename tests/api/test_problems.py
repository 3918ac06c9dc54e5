"""Whatever goes wrong is answered as a problem that a person and a program can read."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from api.auth.tokens import Tokens
from infra.settings import Settings
from tests.api.quiet_hub import QuietHub
from tests.api.running_api import RunningApi
from tests.conftest import FakeClock
from tests.running import free_ports


def _is_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert (body["type"], body["status"]) == (kind, status)
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.servers
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"marker_type": ""}, "marker_type"),
        ({"marker_type": "x" * 201}, "marker_type"),
        ({"marker_type": "a\x00b"}, "marker_type"),
        ({"marker_type": 5}, "marker_type"),
        ({"marker_type": "x", "lable": "typo"}, "lable"),
        ({}, "marker_type"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(api: RunningApi, body: dict[str, object], field: str) -> None:
    address = "/api/v1/sessions/00000000-0000-4000-8000-000000000000/markers"
    problem = _is_problem(api.as_("trainer").post(address, json=body), 422, "invalid")
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert errors[0]["field"] == field
    assert field in str(problem["detail"])


@pytest.mark.servers
def test_half_a_surrogate_pair_is_refused_not_stored(api: RunningApi) -> None:
    address = "/api/v1/sessions/00000000-0000-4000-8000-000000000000/markers"
    headers = {"Content-Type": "application/json"}
    answer = api.as_("trainer").post(address, content=rb'{"marker_type": "\ud800"}', headers=headers)
    _is_problem(answer, 422, "invalid")


@pytest.mark.servers
def test_what_is_no_json_is_malformed(api: RunningApi) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"{", b"", b"\xff\xfe", b"[" * 100_000):
        answer = api.anonymous().post("/api/v1/auth/login", content=content, headers=headers)
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.servers
def test_a_body_that_is_too_large_is_refused_announced_or_not(api: RunningApi) -> None:
    with api.anonymous() as client:
        announced = client.post("/api/v1/auth/login", content=b"x" * 300_000)
        _is_problem(announced, 413, "too_large")
        chunked = client.post("/api/v1/auth/login", content=(b"x" * 50_000 for _ in range(8)))
        _is_problem(chunked, 413, "too_large")


@pytest.mark.servers
def test_unknown_addresses_and_methods(api: RunningApi) -> None:
    with api.anonymous() as client:
        _is_problem(client.get("/api/v1/nothing"), 404, "not_found")
        assert client.delete("/api/v1/classes").status_code == 405
        assert client.delete("/api/v1/classes").headers["content-type"] == "application/problem+json"


@pytest.mark.servers
@pytest.mark.parametrize(
    "path",
    ["/api/v1/classes/0", "/api/v1/classes/99999999999999999999", "/api/v1/sessions/x/alerts", "/api/v1/sessions?limit=0"],
)
def test_ids_out_of_range_are_refused_at_the_door(api: RunningApi, path: str) -> None:
    _is_problem(api.as_("trainer").get(path), 422, "invalid")


@pytest.fixture
async def without_servers(clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    """An API whose servers are not there."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    servers = {"postgres": f"postgresql://a@{address}/a", "clickhouse": f"http://{address}/a", "kafka": address}
    nowhere = Settings.model_validate({"jwt_secret": "x" * 64, **servers})
    app = create_app(nowhere, clock, lambda *_: QuietHub())
    token = Tokens(nowhere, clock).issue(1, "N", "trainer", "unknown")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", headers=headers) as opened:
        yield opened
    app.state.services.close()


async def test_while_a_server_is_away_callers_are_told_to_try_later(without_servers: httpx.AsyncClient) -> None:
    answer = await without_servers.get("/api/v1/classes")
    _is_problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in answer.text


async def test_alive_though_not_ready(without_servers: httpx.AsyncClient) -> None:
    assert (await without_servers.get("/health")).status_code == 200
    ready = await without_servers.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"hub": True, "outbox": False, "postgres": False, "kafka": False, "warehouse": False}
