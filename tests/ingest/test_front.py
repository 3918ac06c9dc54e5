"""The short way to `POST /v1/events` passes no limit by: it answers as the framework's way behind it does.

A query makes a request take the framework's way, and `history=false` says what is so anyway: both ways get the same requests.
"""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, cast

import httpx
import pytest
import uvicorn

from infra.directory import Directory
from infra.settings import Settings
from infra.strict_http import StrictHttp
from ingest.gateway.access import Access
from ingest.gateway.app import create_app
from ingest.gateway.bodies import Budget
from ingest.gateway.front import Front
from ingest.gateway.parts import Parts
from schemas.ranges import UNPACKED_BYTES_MAX
from tests.ingest.people import HUB_TOKEN, MEMBER_TOKEN, RunningGateway, device_record, heart_rate, now_ms
from tests.running import wait_until

EVENTS = "/v1/events"
WAYS = {"short": "", "framework": "?history=false"}
BEARER = f"Authorization: Bearer {HUB_TOKEN}\r\n"
JSON = "Content-Type: application/json\r\n"
LARGE = b" " * (UNPACKED_BYTES_MAX + 1)


@dataclass(frozen=True)
class Case:
    """A request but for its query, and what must come of it."""

    status: int
    reason: str | None = None
    head: str = BEARER + JSON
    body: bytes = b""
    method: str = "POST"
    path: str = EVENTS
    chunk_bytes: int = 0
    """More than 0: sent in chunks of this size, without a length."""
    version: str = "1.1"

    def request(self, query: str) -> Iterator[bytes]:
        sized = "Transfer-Encoding: chunked" if self.chunk_bytes else f"Content-Length: {len(self.body)}"
        yield f"{self.method} {self.path}{query} HTTP/{self.version}\r\nHost: x\r\n{self.head}{sized}\r\n\r\n".encode()
        if not self.chunk_bytes:
            yield self.body
            return
        for at in range(0, len(self.body), self.chunk_bytes):
            chunk = self.body[at : at + self.chunk_bytes]
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
        yield b"0\r\n\r\n"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


GZIP = BEARER + JSON + "Content-Encoding: gzip\r\n"
CASES = {
    "nothing to take": Case(200, body=b"[]"),
    "in chunks": Case(200, body=b'{"events": [ ]}', chunk_bytes=3),
    "packed": Case(200, head=GZIP, body=packed(b"[]")),
    "packed, in chunks": Case(200, head=GZIP, body=packed(b"[]"), chunk_bytes=5),
    "lines": Case(200, head=BEARER + "Content-Type: application/x-ndjson; charset=UTF-8\r\n", body=b"\n\n"),
    "waits for leave": Case(200, head=BEARER + JSON + "Expect: 100-continue\r\n", body=b"[]"),
    "an older protocol": Case(200, body=b"[]", version="1.0"),
    "wants to be alone": Case(200, head=BEARER + JSON + "Connection: close\r\n", body=b"[]"),
    "another origin": Case(200, head=BEARER + JSON + "Origin: https://elsewhere.example\r\n", body=b"[]"),
    "an escaped path": Case(200, path="/v1%2Fevents", body=b"[]"),
    "no token": Case(401, "unauthorized", head=JSON, body=b"[]"),
    "no token, a large body": Case(401, "unauthorized", head=JSON, body=LARGE),
    "an unknown token": Case(401, "unauthorized", head=JSON + "Authorization: Bearer pd_nobody_1\r\n", body=b"[]"),
    "another scheme": Case(401, "unauthorized", head=JSON + f"Authorization: Basic {HUB_TOKEN}\r\n", body=b"[]"),
    "no type": Case(415, "unsupported_media_type", head=BEARER, body=b"[]"),
    "another type": Case(415, "unsupported_media_type", head=BEARER + "Content-Type: text/plain\r\n", body=b"[]"),
    "another charset": Case(
        415, "unsupported_media_type", head=BEARER + "Content-Type: application/json; charset=latin-1\r\n", body=b"[]"
    ),
    "another packing": Case(415, "unsupported_encoding", head=BEARER + JSON + "Content-Encoding: br\r\n", body=b"[]"),
    "no body": Case(422, "malformed"),
    "no JSON": Case(422, "malformed", body=b"no json"),
    "no JSON, in chunks": Case(422, "malformed", body=b"no json", chunk_bytes=2),
    "no gzip": Case(422, "malformed", head=GZIP, body=b"[]"),
    "half a gzip": Case(422, "malformed", head=GZIP, body=packed(b"[]")[:-3]),
    "more than a gzip": Case(422, "malformed", head=GZIP, body=packed(b"[]") + b"more"),
    "a value that is no event": Case(422, body=b"[1]"),
    "too many": Case(413, "too_many", body=b"[" + b"0," * 1_000 + b"0]"),
    "too large": Case(413, "too_large", body=LARGE),
    "too large, in chunks": Case(413, "too_large", body=LARGE, chunk_bytes=1_048_576),
    "a bomb": Case(413, "too_large", head=GZIP, body=packed(LARGE)),
    "to be looked at": Case(405, method="GET"),
    "its head only": Case(405, method="HEAD"),
    "what is allowed": Case(405, method="OPTIONS"),
    "to be replaced": Case(405, method="PUT", body=b"[]"),
    "to be deleted": Case(405, method="DELETE"),
    "a slash behind": Case(307, path="/v1/events/", body=b"[]"),
    "a slash more": Case(404, path="//v1/events", body=b"[]"),
    "other letters": Case(404, path="/V1/EVENTS", body=b"[]"),
    "a path below": Case(404, path="/v1/events/1", body=b"[]"),
    "another path": Case(404, path="/v1/event", body=b"[]"),
}


@dataclass(frozen=True)
class Seen:
    """An answer without its date, and whether the connection then took another request."""

    status: int
    headers: frozenset[tuple[str, str]]
    body: bytes
    next_status: int | None


def seen(settings: Settings, case: Case, query: str) -> Seen:
    with socket.create_connection((settings.gateway_host, settings.gateway_port), timeout=60) as connection:
        for piece in case.request(query):
            connection.sendall(piece)
        answer = HTTPResponse(connection, method=case.method)
        answer.begin()
        body = answer.read()
        headers = frozenset((name.lower(), value.removesuffix(query)) for name, value in answer.headers.items())
        return Seen(answer.status, frozenset(h for h in headers if h[0] != "date"), body, _next(connection))


def _next(connection: socket.socket) -> int | None:
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
    except OSError:
        return None
    else:
        return answer.status


@pytest.mark.servers
@pytest.mark.parametrize("name", CASES)
def test_both_ways_answer_alike_and_count_alike(gateway: RunningGateway, name: str) -> None:
    case = CASES[name]
    answers, counts = [], []
    for query in WAYS.values():
        before = _counts(gateway, case.reason)
        answers.append(seen(gateway.settings, case, query))
        counts.append([after - held for after, held in zip(_counts(gateway, case.reason), before, strict=True)])
    assert answers[0] == answers[1]
    assert counts[0] == counts[1]
    assert answers[0].status == case.status
    assert counts[0][0] == (1 if case.reason else 0), "counted once, by its reason"
    if case.reason:
        assert json.loads(answers[0].body)["reason"] == case.reason


def _counts(gateway: RunningGateway, reason: str | None) -> list[float]:
    refused = gateway.counted("requests_refused", door="http", **({"reason": reason} if reason else {}))
    return [refused, gateway.counted("events_rejected", door="gateway")]


@pytest.mark.servers
def test_an_event_sent_both_ways_counts_once(gateway: RunningGateway) -> None:
    event = heart_rate()
    answers = [gateway.post(event).json(), _post_framework(gateway, event).json()]
    assert [(answer["accepted"], answer["doubled"]) for answer in answers] == [(1, 0), (0, 1)]


@pytest.mark.servers
def test_a_members_token_is_held_to_its_member_both_ways(gateway: RunningGateway) -> None:
    event = heart_rate(member_id=1)
    short, long = gateway.post(event), _post_framework(gateway, event)
    assert (short.status_code, short.json()) == (long.status_code, long.json())
    assert (short.status_code, short.json()["rejected"][0]["reason"]) == (403, "forbidden_member")


def _post_framework(gateway: RunningGateway, event: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {MEMBER_TOKEN}"}
    return gateway.client.post(EVENTS + WAYS["framework"], json=event, headers=headers)


@pytest.mark.servers
@pytest.mark.parametrize("way", WAYS)
def test_a_sender_who_goes_before_its_body_ends_is_counted(gateway: RunningGateway, way: str) -> None:
    before = gateway.counted("requests_refused", door="http", reason="gone")
    head, _body = Case(400, body=b"[]" * 500).request(WAYS[way])
    with socket.create_connection((gateway.settings.gateway_host, gateway.settings.gateway_port)) as connection:
        connection.sendall(head + b"[{")
    wait_until(lambda: gateway.counted("requests_refused", door="http", reason="gone") == before + 1, "counted")


@asynccontextmanager
async def served(parts: Parts | None) -> AsyncIterator[str]:
    """The gateway's application in this process, wired with these parts: its address."""
    app = create_app(Settings(), now_ms)
    app.state.parts = parts
    server = uvicorn.Server(uvicorn.Config(Front(app), port=0, http=StrictHttp, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


def parts_without_kafka(read_within_s: float = 30) -> Parts:
    """Enough to refuse a request; nothing that could take an event."""
    directory, absent = Directory(), cast("Any", None)
    directory.put(device_record(HUB_TOKEN))
    return Parts(now_ms, absent, absent, Access(directory), absent, absent, Budget(), read_within_s)


async def post(url: str, query: str, content: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {HUB_TOKEN}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        return await client.post(EVENTS + query, content=content, headers=headers)


@pytest.mark.parametrize("query", WAYS.values(), ids=WAYS)
async def test_a_body_that_does_not_come_in_time_is_refused_and_its_memory_given_back(query: str) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"[{"
        await asyncio.sleep(2)
        yield b"}]"

    parts = parts_without_kafka(read_within_s=0.2)
    async with served(parts) as url:
        answer = await post(url, query, half())
    assert (answer.status_code, answer.json()["reason"]) == (408, "too_slow")
    assert parts.budget.held == 0


@pytest.mark.parametrize("query", WAYS.values(), ids=WAYS)
async def test_before_kafka_was_reached_events_are_refused_for_now(query: str) -> None:
    async with served(None) as url:
        answer = await post(url, query, b"[]")
    assert (answer.status_code, answer.json()["reason"], answer.headers["retry-after"]) == (503, "starting", "2")


@pytest.mark.parametrize("query", WAYS.values(), ids=WAYS)
async def test_a_full_house_sends_bodies_away_for_now(query: str) -> None:
    parts = parts_without_kafka()
    parts.budget.held = parts.budget.cap
    async with served(parts) as url:
        answer = await post(url, query, b"[]")
    assert (answer.status_code, answer.json()["reason"], answer.headers["retry-after"]) == (503, "slow_down", "1")


@pytest.mark.parametrize("query", WAYS.values(), ids=WAYS)
async def test_a_fault_of_ours_is_told_as_such_and_logged(query: str, caplog: pytest.LogCaptureFixture) -> None:
    async with served(parts_without_kafka()) as url:
        answer = await post(url, query, b"[]")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert "Exception in ASGI application" in caplog.text
