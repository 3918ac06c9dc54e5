"""Pages, headers and the reference."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from api.app import create_app
from infra.settings import Settings
from tests.api.quiet_hub import QuietHub
from tests.conftest import FakeClock


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A folder as `make ui` leaves it, with a secret beside it."""
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>pages</title>")
    (built / "assets" / "app-1a2b.js").write_text("go()")
    (tmp_path / "secret").write_text("secret")
    return built


@pytest.fixture
async def client(clock: FakeClock, static: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings.model_validate({"jwt_secret": "x" * 64}), clock, lambda *_: QuietHub())
    app.state.static = static
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as opened:
        yield opened


async def test_any_page_address_leads_to_the_page(client: httpx.AsyncClient) -> None:
    for path in ("/", "/classes/5/live", "/sign-in"):
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, "<title>pages</title>")
        assert answer.headers["cache-control"] == "no-cache"


async def test_built_files_are_kept_by_browsers_for_good(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/app-1a2b.js")
    assert answer.text == "go()"
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]
    assert (await client.get("/assets/app-old.js")).status_code == 404


@pytest.mark.parametrize("path", ["/../secret", "/assets/..%2f..%2fsecret", "/%2e%2e/secret", "//etc/passwd", "/%00"])
async def test_no_path_leads_out_of_the_folder(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert "secret" not in answer.text
    assert "root:" not in answer.text


async def test_without_built_pages_it_says_how_to_build_them(client: httpx.AsyncClient, static: Path) -> None:
    (static / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "make ui" in answer.text


async def test_every_answer_carries_a_strict_content_policy(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/health", "/api/v1/nothing"):
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_reference_needs_nothing_from_elsewhere_and_names_every_call(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert [path for path in paths if path not in page] == []
    assert "<script" not in page
    assert "http" not in page.replace("Authorization: Bearer", "")
    assert (await client.get("/docs.css")).headers["content-type"].startswith("text/css")


async def test_requests_are_measured_by_route_not_by_address(client: httpx.AsyncClient) -> None:
    def count() -> float:
        labels = {"method": "GET", "route": "/api/v1/classes/{class_id}", "status": "401"}
        return REGISTRY.get_sample_value("paceline_request_seconds_count", labels) or 0

    before = count()
    for class_id in (1, 2, 3):
        await client.get(f"/api/v1/classes/{class_id}")
    assert count() == before + 3
