"""The gateway's HTTP doors: events in, running sessions out, health."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response, WebSocket
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from infra.telemetry.metrics import REQUESTS_REFUSED
from ingest.decoding import Malformed, TooMany, split_json, split_lines
from ingest.gateway.access import Unauthorized
from ingest.gateway.bodies import Body, TooLarge
from ingest.gateway.door import Answer, Limited
from ingest.gateway.openapi import EVENTS_BODY, EVENTS_RESPONSES, SESSIONS_RESPONSES
from ingest.gateway.parts import Parts
from ingest.gateway.running import running_sessions
from ingest.outcomes import SlowDown
from schemas.directory import DeviceRecord
from schemas.topics import APP_EVENTS, DEAD_LETTERS, DEVICE_EVENTS, DIRECTORY

SPLITTERS = {
    "application/json": split_json,
    "application/x-ndjson": split_lines,
    "application/ndjson": split_lines,
    "application/jsonl": split_lines,
}
AWAY = "Kafka does not answer, or its topics are missing"
NEEDED_TOPICS = tuple(topic.name for topic in (DEVICE_EVENTS, APP_EVENTS, DEAD_LETTERS, DIRECTORY))
router = APIRouter()
encode = msgspec.json.Encoder().encode


class Refusal(Exception):
    """The request as a whole is refused; nothing of it was taken."""

    def __init__(self, status: int, reason: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}


def parts_of(request: Request) -> Parts:
    """What the application was wired with. Raises Refusal 503 while Kafka has not been reached yet."""
    parts: Parts | None = request.app.state.parts
    if parts is None:
        raise Refusal(503, "starting", AWAY, {"Retry-After": "2"})
    return parts


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON response of anything msgspec can write."""
    return Response(encode(content), status, headers, "application/json")


async def refuse(_request: Request, refusal: Exception) -> Response:
    """Turn a Refusal into its answer, counted by reason."""
    if not isinstance(refusal, Refusal):
        raise refusal
    REQUESTS_REFUSED.labels("http", refusal.reason).inc()
    content = {"reason": refusal.reason, "detail": refusal.detail, "accepted": 0, "doubled": 0, "rejected": []}
    return answer(refusal.status, content, refusal.headers)


def authorized(request: Request) -> DeviceRecord:
    """The device that asks. Raises Refusal 401."""
    try:
        return parts_of(request).access.bearer(request.headers.get("authorization"))
    except Unauthorized as fault:
        raise Refusal(401, "unauthorized", str(fault), {"WWW-Authenticate": 'Bearer realm="paceline devices"'}) from None


@router.post("/v1/events", openapi_extra=EVENTS_BODY, responses=EVENTS_RESPONSES, summary="Send device events")
async def post_events(request: Request, history: bool = False) -> Response:
    """Take one event or a batch; each is answered as accepted (Kafka has it), doubled or rejected with its reason.

    `history=true` imports events older than seven days (up to two years); it needs a hub's token.
    """
    device = authorized(request)
    if history and device.scope != "gateway":
        raise Refusal(403, "forbidden", "only a hub's token may import history")
    raws = await _raw_events(request, device)
    try:
        outcome = await parts_of(request).door.take("http", device, raws, history=history)
    except SlowDown as slow:
        raise _slow_down(slow) from None
    return answer(_status(outcome), outcome, {"Retry-After": "1"} if outcome.unconfirmed else None)


@router.get("/v1/sessions", responses=SESSIONS_RESPONSES, summary="Running sessions")
async def get_sessions(request: Request) -> Response:
    """The running sessions and their participants: all for a hub, a member's device sees its member only."""
    device = authorized(request)
    parts = parts_of(request)
    return answer(200, running_sessions(parts.reader.directory, device, parts.door.last_received_ms, parts.clock()))


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """A hub's stream; see docs/devices.md for the frames."""
    parts: Parts | None = socket.app.state.parts
    if parts is None:
        await socket.accept()
        await socket.close(1013, AWAY)
    else:
        await parts.streams.serve(socket)


@router.get("/health")
async def health() -> Response:
    """The process answers."""
    return answer(200, {"status": "ok", "process": "gateway"})


@router.get("/ready")
async def ready(request: Request) -> Response:
    """Whether events would be taken now."""
    parts: Parts | None = request.app.state.parts
    good = parts is not None and await asyncio.to_thread(parts.publisher.producer.answers, NEEDED_TOPICS)
    why = "" if good else AWAY
    return answer(200 if good else 503, {"ready": good, "process": "gateway", "reason": why})


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _raw_events(request: Request, device: DeviceRecord) -> list[bytes]:
    media, _semicolon, parameters = request.headers.get("content-type", "").lower().partition(";")
    split = SPLITTERS.get(media.strip())
    if split is None or ("charset" in parameters and "utf-8" not in parameters):
        raise Refusal(415, "unsupported_media_type", f"send {' or '.join(SPLITTERS)} in UTF-8")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise Refusal(415, "unsupported_encoding", "send it plain or with Content-Encoding: gzip")
    parts = parts_of(request)
    try:
        with Body(parts.budget) as body:
            read = body.read_gzip if encoding == "gzip" else body.read_plain
            async with asyncio.timeout(parts.read_within_s):  # no task of its own: the body is nearly always there already
                content = await read(request.stream())
            return _split(request, device, split, content)
    except (TooLarge, TooMany) as fault:
        raise Refusal(413, "too_large" if isinstance(fault, TooLarge) else "too_many", str(fault)) from None
    except Malformed as fault:
        raise Refusal(422, "malformed", str(fault)) from None
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not come within {parts.read_within_s:g} s") from None
    except ClientDisconnect:
        raise Refusal(400, "gone", "the connection ended before the body did") from None
    except SlowDown as slow:
        raise _slow_down(slow) from None


def _split(request: Request, device: DeviceRecord, split: Callable[[bytes], list[bytes]], content: bytes) -> list[bytes]:
    """The events in a body; one that is not JSON at all is kept as it came."""
    try:
        return split(content)
    except Malformed as fault:
        parts_of(request).door.keep_malformed("http", device, content, str(fault))
        raise


def _slow_down(slow: SlowDown) -> Refusal:
    headers = {"Retry-After": str(math.ceil(slow.retry_after_s))}
    if isinstance(slow, Limited):
        return Refusal(429, "rate_limited", slow.problem, headers)
    return Refusal(503, "slow_down", slow.problem, headers)


def _status(outcome: Answer) -> int:
    """503 while anything is unconfirmed; a refusal's own status when nothing at all could be taken; else 200."""
    reasons = {refused.reason for refused in outcome.rejected}
    if outcome.unconfirmed or "not_stored" in reasons:
        return 503
    if not outcome.all_rejected:
        return 200
    return {"forbidden_member": 403, "too_large": 413}.get(reasons.pop(), 422) if len(reasons) == 1 else 422
