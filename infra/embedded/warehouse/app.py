"""The HTTP side: routes, bodies, headers. Everything about SQL is elsewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.clock import Clock
from infra.embedded.warehouse.bridge import Bridge
from infra.embedded.warehouse.compression import choose_coding, unpack
from infra.embedded.warehouse.engine import Engine
from infra.embedded.warehouse.errors import (
    AUTHENTICATION_FAILED,
    QUERY_IS_TOO_LARGE,
    UNKNOWN_EXCEPTION,
    QueryFailed,
)
from infra.embedded.warehouse.execution import Outcome
from infra.embedded.warehouse.formats import content_type
from infra.embedded.warehouse.lanes import Lane
from infra.embedded.warehouse.query import Query, new_tag, prepare, run_streaming, run_whole
from infra.embedded.warehouse.request import BODY_LIMIT_BYTES, check_settings, read_arguments, read_pairs
from infra.embedded.warehouse.sessions import Session, Sessions
from infra.embedded.warehouse.users import Users
from infra.telemetry.logs import logger
from infra.telemetry.metrics import (
    WAREHOUSE_ACTIVE_PARTS,
    WAREHOUSE_ERRORS,
    WAREHOUSE_QUERIES,
    WAREHOUSE_ROWS_WRITTEN,
    WAREHOUSE_SECONDS,
)

log = logger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[str, str]]

_INLINE_BYTES = 64 * 1024


class WarehouseApp:
    """An ASGI application over one engine. `new_id` names queries that come without an id."""

    def __init__(self, engine: Engine, users: Users, clock: Clock, new_id: Callable[[], str]) -> None:
        self._engine = engine
        self._users = users
        self._new_id = new_id
        self._sessions = Sessions(clock)
        self._reading = Lane("read", threads=4, waiting=64)
        self._writing = Lane("write", threads=2, waiting=32)
        self._preparing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        for lane in (self._reading, self._writing):
            lane.close()
        self._sessions.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, has_query = scope["path"], scope["query_string"] or scope["method"] == "POST"
        if path in ("/ping", "/health", "/ready", "/replicas_status") or (path == "/" and not has_query):
            await _respond(send, 200, b"Ok.\n", [("content-type", "text/html; charset=UTF-8")])
        elif path == "/metrics":
            parts = await asyncio.wrap_future(self._reading.submit(self._engine.active_parts))
            WAREHOUSE_ACTIVE_PARTS.set(parts)
            await _respond(send, 200, generate_latest(), [("content-type", CONTENT_TYPE_LATEST)])
        elif path in ("/", "/query") and scope["method"] in ("GET", "POST"):
            await self._answer(scope, receive, send)
        else:
            await _respond(send, 404, b"There is no such page here.\n", [("content-type", "text/plain")])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            await self._query(scope, headers, receive, send)
        except QueryFailed as failure:
            await _respond_failure(send, failure)
        except Exception as failure:
            log.exception("request failed")
            await _respond_failure(send, QueryFailed(UNKNOWN_EXCEPTION, f"Internal failure: {type(failure).__name__}"))

    async def _query(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        pairs = read_pairs(scope["query_string"])
        user = self._users.authenticate(headers, {name: pairs[name].decode() for name in ("user", "password") if name in pairs})
        arguments = read_arguments(pairs, headers)
        check_settings(arguments.settings, user)
        body = await _read_body(headers, receive)
        coding = choose_coding(headers.get("accept-encoding", "")) if arguments.compresses else None
        preparing = partial(
            self._prepare,
            user=user,
            arguments=arguments,
            body=body,
            content_encoding=headers.get("content-encoding", ""),
            reads_only=scope["method"] == "GET",
            coding=coding,
        )
        async with self._preparing:
            query: Query = preparing() if len(body) <= _INLINE_BYTES else await asyncio.to_thread(preparing)
        query_id = arguments.query_id or self._new_id()
        session = self._take_session(query)
        try:
            await self._run(query, query_id, session, receive, send)
        finally:
            if session:
                self._sessions.give_back(session)

    def _prepare(self, *, body: bytes, content_encoding: str, **rest: Any) -> Query:
        return prepare(self._engine, body=unpack(body, content_encoding, BODY_LIMIT_BYTES), **rest)

    def _take_session(self, query: Query) -> Session | None:
        asked = query.arguments
        if not asked.session_id:
            return None
        return self._sessions.take(query.user, asked.session_id, asked.session_timeout_s, must_exist=asked.session_must_exist)

    async def _run(self, query: Query, query_id: str, session: Session | None, receive: Receive, send: Send) -> None:
        kind = "write" if query.writes else "read"
        lane = self._writing if query.writes else self._reading
        WAREHOUSE_QUERIES.labels(query.user.role, kind).inc()
        started = time.perf_counter()
        head = _result_headers(query, query_id)
        try:
            if query.streams:
                await self._stream(lane, query, session, head, receive, send)
            else:
                job = lane.submit(partial(run_whole, self._engine, query, session))
                await _respond_outcome(send, await asyncio.wrap_future(job), head)
        finally:
            WAREHOUSE_SECONDS.labels(kind).observe(time.perf_counter() - started)

    async def _stream(
        self, lane: Lane, query: Query, session: Session | None, head: Headers, receive: Receive, send: Send
    ) -> None:
        bridge, tag = Bridge(), new_tag()
        job = asyncio.wrap_future(lane.submit(partial(run_streaming, self._engine, query, session, bridge, tag)))
        gone = asyncio.ensure_future(_until_disconnect(receive, bridge))
        taking = asyncio.ensure_future(bridge.get())
        try:
            await asyncio.wait((job, taking), return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                outcome = await job
                await _respond_outcome(send, outcome or Outcome(b""), head)
                return
            await send(
                {"type": "http.response.start", "status": 200, "headers": _encode([*head, ("x-clickhouse-exception-tag", tag)])}
            )
            piece = await taking
            while piece is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await bridge.get()
            await send({"type": "http.response.body", "body": b""})
            await job
        finally:
            taking.cancel()
            gone.cancel()
            bridge.abandon()


async def _until_disconnect(receive: Receive, bridge: Bridge) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    bridge.abandon()


async def _read_body(headers: dict[str, str], receive: Receive) -> bytes:
    if int(headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
        raise QueryFailed(QUERY_IS_TOO_LARGE, f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        piece = message.get("body", b"")
        size += len(piece)
        if size > BODY_LIMIT_BYTES:
            raise QueryFailed(QUERY_IS_TOO_LARGE, f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
        pieces.append(piece)
        if not message.get("more_body"):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _result_headers(query: Query, query_id: str) -> Headers:
    head = [
        ("content-type", content_type(query.output_format)),
        ("x-clickhouse-server-display-name", "paceline"),
        ("x-clickhouse-query-id", query_id.replace("\r", "").replace("\n", "")[:128]),
        ("x-clickhouse-format", query.output_format),
        ("x-clickhouse-timezone", "UTC"),
        ("x-content-type-options", "nosniff"),
    ]
    return [*head, ("content-encoding", query.coding)] if query.coding else head


async def _respond_outcome(send: Send, outcome: Outcome, head: Headers) -> None:
    WAREHOUSE_ROWS_WRITTEN.inc(outcome.written_rows)
    summary = {
        "read_rows": outcome.read_rows,
        "read_bytes": outcome.read_bytes,
        "written_rows": outcome.written_rows,
        "written_bytes": outcome.written_bytes,
        "total_rows_to_read": 0,
        "elapsed_ns": int(outcome.elapsed_s * 1e9),
    }
    shown = orjson.dumps({name: str(value) for name, value in summary.items()}).decode()
    await _respond(send, 200, outcome.data, [*head, ("x-clickhouse-summary", shown)])


async def _respond_failure(send: Send, failure: QueryFailed) -> None:
    WAREHOUSE_ERRORS.labels(str(failure.code)).inc()
    head = [("content-type", "text/plain; charset=UTF-8"), ("x-clickhouse-exception-code", str(failure.code))]
    if failure.code == AUTHENTICATION_FAILED:
        head.append(("www-authenticate", 'Basic realm="ClickHouse server HTTP API"'))
    if failure.status == 503:
        head.append(("retry-after", "1"))
    await _respond(send, failure.status, failure.message.encode() + b"\n", head)


async def _respond(send: Send, status: int, body: bytes, head: Headers) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": _encode([*head, ("content-length", str(len(body)))])}
    )
    await send({"type": "http.response.body", "body": body})


def _encode(head: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", errors="replace")) for name, value in head]
