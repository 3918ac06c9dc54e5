"""Bodies in, responses out, on bare ASGI."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from infra.embedded.warehouse.errors import AUTHENTICATION_FAILED, QUERY_IS_TOO_LARGE, QueryFailed
from infra.embedded.warehouse.request import BODY_LIMIT_BYTES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[str, str]]


def read_headers(scope: Scope) -> dict[str, str]:
    """Names in lower case, as ASGI has them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body. Raises QueryFailed as soon as it is known to be too large."""
    size = int(headers.get("content-length") or 0)
    pieces: list[bytes] = []
    received = 0
    while size <= BODY_LIMIT_BYTES and received <= BODY_LIMIT_BYTES:
        message = await receive()
        piece = message.get("body", b"")
        received += len(piece)
        pieces.append(piece)
        if not message.get("more_body"):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    raise QueryFailed(QUERY_IS_TOO_LARGE, f"The body is larger than {BODY_LIMIT_BYTES} bytes.")


async def start_response(send: Send, status: int, head: Headers) -> None:
    """Status and headers; the body follows in pieces."""
    encoded = [(name.encode("latin-1"), value.encode("latin-1", errors="replace")) for name, value in head]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def respond(send: Send, status: int, body: bytes, head: Headers) -> None:
    """A response whose whole body is known."""
    await start_response(send, status, [*head, ("content-length", str(len(body)))])
    await send({"type": "http.response.body", "body": body})


async def respond_failure(send: Send, failure: QueryFailed) -> None:
    """A ClickHouse exception, as clients of ClickHouse expect it."""
    head = [("content-type", "text/plain; charset=UTF-8"), ("x-clickhouse-exception-code", str(failure.code))]
    if failure.code == AUTHENTICATION_FAILED:
        head.append(("www-authenticate", 'Basic realm="ClickHouse server HTTP API"'))
    if failure.status == 503:
        head.append(("retry-after", "1"))
    await respond(send, failure.status, failure.message.encode() + b"\n", head)
