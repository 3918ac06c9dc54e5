"""Running sessions by REST: for a page that opens, or one that must be sure after a gap."""

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.routes.access import Anyone, Parts, RowId, SessionPath
from api.routes.answers import fresh, list_of, ref, shaped
from api.routes.history import events_shown, read_alerts, read_events
from api.routes.watching import hub_book, hub_suffices, live_shown, only_member, record_shown, sessions, watched
from api.snapshot import class_snapshot

router = APIRouter(prefix="/api/v1", tags=["live"])

RUNNING = shaped("Running sessions", {"sessions": list_of(ref("SessionRecord"))})
LIVE = shaped(
    "The session and its present metrics",
    {"session": ref("SessionRecord"), "live": {"type": ["object", "null"]}, "server_time_ms": {"type": "integer"}},
)
STATE = shaped(
    "Where each channel stands and what is true up to there",
    {
        "channels": {"type": "object", "additionalProperties": {"type": "object"}},
        "alerts": list_of(ref("Alert")),
        "events": list_of({"type": "object"}),
    },
)


@router.get("/live/sessions", summary="Running sessions", responses=RUNNING)
def running_sessions(principal: Anyone, services: Parts) -> Response:
    """Newest first; members see those they take part in."""
    with services.reading() as db:
        found = sessions(db, principal, running=True, class_id=None, limit=1_000)
    return fresh({"sessions": [record_shown(principal, record) for record in found]})


@router.get("/live/sessions/{session_id}", summary="One session and its present metrics", responses=LIVE)
async def live_session(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """`live` is null until the first value has come."""
    record = await run_in_threadpool(watched, services, principal, session_id)
    live = live_shown(principal, services.hub.live(session_id))
    return fresh({"session": record_shown(principal, record), "live": live, "server_time_ms": services.clock()})


@router.get("/live/sessions/{session_id}/state", summary="State after a gap", responses=STATE)
async def live_state(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """Take this, then go on with the messages behind the given offsets."""
    record = await run_in_threadpool(watched, services, principal, session_id)
    # the hub first: what it does not hold is older than the offsets it gives, and so in the warehouse by then
    channels, book = services.hub.positions(session_id), hub_book(services, session_id)
    if not hub_suffices(services, record):
        await run_in_threadpool(read_alerts, services, session_id, book)
        await run_in_threadpool(read_events, services, session_id, book)
    member_id = only_member(principal)
    shown = {
        "session_id": session_id,
        "channels": channels,
        "alerts": book.present_alerts(member_id),
        "events": events_shown(book, member_id),
        "server_time_ms": services.clock(),
    }
    return fresh(shown)


@router.get("/classes/{class_id}/snapshot", summary="Snapshot of a running class")
async def snapshot(class_id: RowId, principal: Anyone, services: Parts) -> Response:
    """Per member the latest of each source and the derived metrics, per class the averages, and the insights of now."""

    def find() -> Any:
        with services.reading() as db:
            found = sessions(db, principal, running=True, class_id=class_id, limit=1)
        return found[0] if found else None

    record = await run_in_threadpool(find)
    member_id = only_member(principal)
    live = services.hub.live(record.session_id) if record else None
    alerts = services.hub.alerts(record.session_id, member_id) if record else []
    return fresh(class_snapshot(record, live, alerts, services.clock(), member_id))
