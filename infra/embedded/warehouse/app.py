"""The routes of the warehouse process, and the way of one request through checks, lanes and back."""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.clock import Clock
from infra.embedded.warehouse.bridge import Bridge
from infra.embedded.warehouse.compression import choose_coding, unpack
from infra.embedded.warehouse.connections import Connections
from infra.embedded.warehouse.engine import Engine
from infra.embedded.warehouse.errors import UNKNOWN_EXCEPTION, QueryFailed
from infra.embedded.warehouse.execution import Outcome
from infra.embedded.warehouse.formats import content_type
from infra.embedded.warehouse.http import (
    Headers,
    Receive,
    Scope,
    Send,
    read_body,
    read_headers,
    respond,
    respond_failure,
    start_response,
)
from infra.embedded.warehouse.lanes import Lane
from infra.embedded.warehouse.query import Query, WayOut, prepare, run_streaming, run_whole
from infra.embedded.warehouse.request import BODY_LIMIT_BYTES, Arguments, check_settings, read_arguments, read_pairs
from infra.embedded.warehouse.sessions import Session, Sessions
from infra.embedded.warehouse.users import User, Users
from infra.telemetry.logs import logger
from infra.telemetry.metrics import (
    WAREHOUSE_ACTIVE_PARTS,
    WAREHOUSE_ERRORS,
    WAREHOUSE_QUERIES,
    WAREHOUSE_ROWS_WRITTEN,
    WAREHOUSE_SECONDS,
)

log = logger(__name__)
_INLINE_BYTES = 64 * 1024
_ALIVE = ("/ping", "/health", "/ready", "/replicas_status")
Streaming = Callable[[WayOut], Outcome | None]


class WarehouseApp:
    """An ASGI application over one running engine. `new_id` names queries that come without an id."""

    def __init__(self, engine: Engine, users: Users, clock: Clock, new_id: Callable[[], str]) -> None:
        self._engine = engine
        self._users = users
        self._new_id = new_id
        self._sessions = Sessions(clock)
        self._connections = Connections(engine)
        self._reading = Lane("read", threads=4, waiting=64)
        self._writing = Lane("write", threads=2, waiting=32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._route(scope, receive, send)
            except QueryFailed as failure:
                WAREHOUSE_ERRORS.labels(str(failure.code)).inc()
                await respond_failure(send, failure)
            except Exception as failure:
                log.exception("request failed")
                WAREHOUSE_ERRORS.labels(str(UNKNOWN_EXCEPTION)).inc()
                await respond_failure(send, QueryFailed(UNKNOWN_EXCEPTION, f"Internal failure: {type(failure).__name__}"))

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        self._engine.cancel_all()
        for lane in (self._reading, self._writing):
            lane.close()
        self._sessions.close()
        self._connections.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path in _ALIVE or (path == "/" and method == "GET" and not scope["query_string"]):
            await respond(send, 200, b"Ok.\n", [("content-type", "text/html; charset=UTF-8")])
        elif path == "/metrics":
            WAREHOUSE_ACTIVE_PARTS.set(await asyncio.wrap_future(self._reading.submit(self._engine.active_parts)))
            await respond(send, 200, generate_latest(), [("content-type", CONTENT_TYPE_LATEST)])
        elif path in ("/", "/query") and method in ("GET", "POST"):
            await self._answer(scope, receive, send)
        else:
            await respond(send, 404, b"There is no such page here.\n", [("content-type", "text/plain")])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, pairs = read_headers(scope), read_pairs(scope["query_string"])
        user = self._users.authenticate(headers, pairs)
        arguments = read_arguments(pairs, headers)
        check_settings(arguments, user)
        body = await read_body(headers, receive)
        reads_only = scope["method"] == "GET" or arguments.readonly > 0
        preparing = partial(self._prepare, user, arguments, body, headers, reads_only=reads_only)
        query = preparing() if len(body) <= _INLINE_BYTES else await asyncio.to_thread(preparing)
        with ExitStack() as held:
            session = self._take_session(query)
            if session:
                held.callback(self._sessions.give_back, session)
            await self._run(query, session, receive, _closing(held, send))

    def _prepare(self, user: User, arguments: Arguments, body: bytes, headers: dict[str, str], *, reads_only: bool) -> Query:
        plain = unpack(body, headers.get("content-encoding", ""), BODY_LIMIT_BYTES)
        coding = choose_coding(headers.get("accept-encoding", "")) if arguments.compresses else None
        return prepare(self._engine, user, arguments, plain, reads_only=reads_only, coding=coding)

    def _take_session(self, query: Query) -> Session | None:
        asked = query.arguments
        if not asked.session_id:
            return None
        return self._sessions.take(query.user, asked.session_id, asked.session_timeout_s, must_exist=asked.session_must_exist)

    async def _run(self, query: Query, session: Session | None, receive: Receive, send: Send) -> None:
        kind, lane = ("write", self._writing) if query.writes else ("read", self._reading)
        WAREHOUSE_QUERIES.labels(query.user.role, kind).inc()
        head = _head(query, query.arguments.query_id or self._new_id())
        started = time.perf_counter()
        try:
            if query.streams:
                await self._stream(partial(run_streaming, self._connections, query, session), head, receive, send)
            else:
                job = lane.submit(partial(run_whole, self._connections, query, session))
                await _respond_outcome(send, await asyncio.wrap_future(job), head)
        finally:
            WAREHOUSE_SECONDS.labels(kind).observe(time.perf_counter() - started)

    async def _stream(self, run: Streaming, head: Headers, receive: Receive, send: Send) -> None:
        bridge = Bridge()
        way_out = WayOut(bridge, self._new_id().replace("-", "")[:16])
        job = asyncio.wrap_future(self._reading.submit(partial(run, way_out)))
        job.add_done_callback(bridge.end)
        listening: asyncio.Future[None] | None = None
        try:
            piece = await bridge.get()
            if piece is None:
                await _respond_outcome(send, await job or Outcome(b""), head)
                return
            listening = asyncio.ensure_future(_until_disconnect(receive, bridge))
            await start_response(send, 200, [*head, ("x-clickhouse-exception-tag", way_out.tag)])
            while piece is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await bridge.get()
            await _finish(send, job)
        finally:
            if listening:
                listening.cancel()
            bridge.abandon()
            # The session may be given back only when no thread uses it any more.
            await asyncio.wait((job,))


async def _finish(send: Send, job: "asyncio.Future[Outcome | None]") -> None:
    try:
        await job
    except QueryFailed as failure:
        # The status has gone out. Without its end the response is broken off, which every client notices.
        log.warning("a response was broken off", reason=failure.message)
        return
    await send({"type": "http.response.body", "body": b""})


def _closing(held: ExitStack, send: Send) -> Send:
    """`send`, letting go before the last byte leaves: who has the whole answer may ask in the same session at once."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            held.close()
        await send(message)

    return sent


async def _until_disconnect(receive: Receive, bridge: Bridge) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    bridge.abandon()


def _head(query: Query, query_id: str) -> Headers:
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
    await respond(send, 200, outcome.data, [*head, ("x-clickhouse-summary", shown)])
