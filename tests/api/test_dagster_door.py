"""Dagster's door: only an admin's page gets in, what it asks for comes through whole, and nothing of the sign-in goes along."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.api.running_api import RunningApi, running_api
from tests.running import wait_until

pytestmark = pytest.mark.servers
PASS = "/api/v1/dagster/pass"
NONCE_POLICY = "script-src 'nonce-1'; "


async def _told(request: Request) -> JSONResponse:
    body = (await request.body()).decode()
    return JSONResponse({"headers": dict(request.headers), "query": request.url.query, "body": body})


async def _page(_request: Request) -> Response:
    leaks = {"Content-Security-Policy": NONCE_POLICY, "Set-Cookie": "theirs=1", "Server": "theirs"}
    return Response("<html>pages</html>", media_type="text/html", headers=leaks)


async def _slow(_request: Request) -> StreamingResponse:
    async def parts() -> Any:
        for number in range(3):
            yield f"part {number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/plain")


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept("graphql-ws")
    await websocket.send_json({"cookie": websocket.headers.get("cookie")})
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


@contextmanager
def _listening(path: str) -> Iterator[None]:
    routes = [
        Route("/dagster/graphql", _told, methods=["GET", "POST"]),
        Route("/dagster/slow", _slow),
        Route("/dagster/", _page),
        WebSocketRoute("/dagster/graphql", _echo),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), uds=path, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, name="dagster-stand")
    thread.start()
    try:
        wait_until(lambda: server.started, "the stand for Dagster serves")
        yield
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def door(api: RunningApi) -> Iterator[RunningApi]:
    """An API in whose house something listens where Dagster would."""
    folder = api.settings.dagster_socket_dir
    folder.mkdir(parents=True, exist_ok=True)
    with running_api(api.settings, club=api.club, wait=False) as running, _listening(str(folder / "web.sock")):
        yield running
    (folder / "web.sock").unlink(missing_ok=True)


@contextmanager
def _admitted(door: RunningApi) -> Iterator[httpx.Client]:
    """A browser that an admin has let in."""
    cookie = door.as_("admin").post(PASS).headers["set-cookie"].split(";")[0].split("=", 1)[1]
    with httpx.Client(base_url=door.url, cookies={"paceline_dagster": cookie}, timeout=20) as client:
        yield client


@pytest.mark.parametrize("role", ["trainer", "observer", "member"])
def test_only_admins_are_given_a_pass(door: RunningApi, role: str) -> None:
    answer = door.as_(role).post(PASS)
    assert (answer.status_code, answer.json()["type"]) == (403, "role")
    assert "set-cookie" not in answer.headers
    assert door.anonymous().post(PASS).status_code == 401


def test_the_pass_is_for_this_path_and_out_of_the_reach_of_scripts(door: RunningApi) -> None:
    answer = door.as_("admin").post(PASS)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    for part in ("path=/dagster", "httponly", "samesite=strict", "max-age=900"):
        assert part in cookie
    value = answer.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    as_token = httpx.get(f"{door.url}/api/v1/me", headers={"Authorization": f"Bearer {value}"})
    assert as_token.status_code == 401, "a pass is no access token"


def test_nobody_gets_in_without_a_pass_or_with_another_token(door: RunningApi) -> None:
    access = door.as_("admin").headers["authorization"].split()[1]
    for cookies in ({}, {"paceline_dagster": "x"}, {"paceline_dagster": access}):
        with httpx.Client(base_url=door.url, cookies=cookies) as client:
            assert client.get("/dagster/graphql").status_code == 401
            shown = client.get("/dagster/", headers={"Accept": "text/html"})
            assert shown.status_code == 401
            assert "Sign in to Paceline" in shown.text


def test_requests_and_answers_come_through_without_cookies_and_tokens(door: RunningApi) -> None:
    with _admitted(door) as client:
        told = client.post("/dagster/graphql?a=1&b=%20", json={"query": "{x}"}, headers={"Authorization": "Bearer y"}).json()
        assert (told["query"], told["body"]) == ("a=1&b=%20", '{"query":"{x}"}')
        assert not {"cookie", "authorization"} & told["headers"].keys()
        assert client.get("/dagster/slow").text == "part 0\npart 1\npart 2\n"
        assert client.put("/dagster/graphql").status_code == 405
        assert client.get("/dagster/graphql", headers={"Accept": "text/html"}).status_code == 404, "its page for queries"


def test_the_content_policy_is_loosened_on_dagsters_pages_only(door: RunningApi) -> None:
    with _admitted(door) as client:
        page = client.get("/dagster/")
        policy = page.headers["content-security-policy"]
        assert policy.startswith("script-src 'nonce-1'; default-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert "theirs" not in str(page.headers)
        for path in ("/dagster/slow", "/", "/health"):
            assert "default-src 'none'" in client.get(path).headers["content-security-policy"]
        assert client.get("/dagster", follow_redirects=False).headers["location"] == "/dagster/"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_another_sites_page_gets_nothing_even_with_the_cookie(door: RunningApi, headers: dict[str, str]) -> None:
    with _admitted(door) as client:
        for answer in (client.get("/dagster/", headers=headers), client.post("/dagster/graphql", json={}, headers=headers)):
            assert (answer.status_code, answer.json()["type"]) == (403, "foreign_origin")
    assert door.as_("admin").post(PASS, headers=headers).status_code == 403


def test_subscriptions_pass_both_ways_for_our_own_page_only(door: RunningApi) -> None:
    address = door.url.replace("http", "ws") + "/dagster/graphql"
    with _admitted(door) as client:
        cookie = {"Cookie": f"paceline_dagster={client.cookies['paceline_dagster']}"}
        with connect(address, additional_headers=cookie, origin=door.url, subprotocols=["graphql-ws"]) as socket:
            assert socket.subprotocol == "graphql-ws"
            assert socket.recv() == '{"cookie":null}'
            socket.send("news")
            assert socket.recv() == "NEWS"
        for headers, origin in ((cookie, "https://evil.example"), (cookie, None), ({}, door.url)):
            with pytest.raises(InvalidStatus):
                connect(address, additional_headers=headers, origin=origin)


def test_a_pass_ends_by_itself_is_renewed_by_use_and_ends_with_the_sign_in(door: RunningApi) -> None:
    with _admitted(door) as client:
        assert "set-cookie" not in client.get("/dagster/slow").headers
        door.clock.forward(500)
        assert "paceline_dagster" in client.get("/dagster/slow").headers["set-cookie"]
        door.clock.forward(901)
        assert client.get("/dagster/slow").status_code == 401
    login = door.anonymous()
    signed_in = login.post("/api/v1/auth/login", json={key: door.club["admin"][key] for key in ("email", "password")})
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    value = login.post(PASS, headers=bearer).headers["set-cookie"].split(";")[0].split("=", 1)[1]
    with httpx.Client(base_url=door.url, cookies={"paceline_dagster": value}) as client:
        assert client.get("/dagster/slow").status_code == 200
        assert login.post("/api/v1/auth/logout").status_code == 204
        door.clock.forward(6)
        assert client.get("/dagster/slow").status_code == 401


def test_where_dagster_does_not_run_the_answer_says_how_to_start_it(api: RunningApi) -> None:
    (api.settings.dagster_socket_dir / "web.sock").unlink(missing_ok=True)
    answer = api.as_("admin").post(PASS)
    assert (answer.status_code, answer.json()["type"]) == (409, "dagster_not_running")
    assert "paceline up --dagster" in answer.json()["detail"]
