"""What a session left behind: alerts, events, intensity, summary, series."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.errors import Forbidden, NotFound
from api.intensity import intensity_points
from api.principal import Principal
from api.push.channels import CLASS_METRICS_FROM_ACTIVE
from api.push.session_book import SessionBook, event_shown
from api.queries.class_summary import class_summary
from api.queries.member_series import UNITS, member_series
from api.queries.past_sessions import past_sessions
from api.queries.session_alerts import session_alerts
from api.queries.session_events import session_events
from api.routes.access import SESSION_PATTERN, Anyone, Metric, Parts, RowId, SessionPath
from api.routes.answers import POINTS, fresh, list_of, ref, shaped
from api.routes.watching import hub_book, hub_suffices, only_member, sessions, watched
from api.services import Services
from infra.errors import Unavailable
from schemas.directory import SessionRecord
from schemas.events import AppEvent, MemberChanged, RosterChanged

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1", tags=["history"])
PENDING_RETRY_S = 1
FOR_MEMBERS = frozenset(
    (
        *("session_id", "class_id", "class_name", "class_type", "trainer", "trainer_id", "date"),
        *("started_at_ms", "ended_at_ms", "duration_minutes", "revision", "computed_from", "late_events"),
        *("expected", "attended", "attendance", "attendance_rate"),
    )
)
FOR_MEMBERS_OF_MANY = frozenset(
    ("average_intensity", "intensity", "performance_highlights", "improvement_areas", "effort_points", "energy_kcal", "alerts")
)


@router.get("/sessions", summary="Past sessions")
def list_sessions(
    principal: Anyone,
    services: Parts,
    class_id: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Newest first; figures are null until the summary is written, or while the warehouse is away."""
    with services.reading() as db:
        found = sessions(db, principal, running=False, class_id=class_id, limit=limit)
    try:
        figures = past_sessions(services.warehouse, session_ids=[record.session_id for record in found])
    except Unavailable:
        figures = {}
    member_id = only_member(principal)
    return fresh({"sessions": [_line(record, figures.get(record.session_id, {}), member_id) for record in found]})


@router.get(
    "/sessions/{session_id}/alerts", summary="Alerts", responses=shaped("Newest first", {"alerts": list_of(ref("Alert"))})
)
async def alerts(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """Present state of every alert; a member sees those about themselves."""
    record = await run_in_threadpool(watched, services, principal, session_id)
    book = hub_book(services, session_id)
    if not hub_suffices(services, record):
        await run_in_threadpool(read_alerts, services, session_id, book)
    return fresh({"alerts": book.present_alerts(only_member(principal))})


@router.get("/sessions/{session_id}/events", summary="Events")
async def events(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """What people did, by time; notes are for trainers."""
    record = await run_in_threadpool(watched, services, principal, session_id)
    book = hub_book(services, session_id)
    if not hub_suffices(services, record):
        await run_in_threadpool(read_events, services, session_id, book)
    return fresh({"events": events_shown(book, only_member(principal))})


@router.get(
    "/sessions/{session_id}/intensity", summary="Class intensity over time", responses=shaped("By time", {"points": POINTS})
)
async def intensity(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """Of the last 60 s each: every five seconds while it runs, by the minute afterwards and for members."""
    record = await run_in_threadpool(watched, services, principal, session_id)
    followed = services.hub.intensity_history(session_id)
    points = await run_in_threadpool(intensity_points, services.warehouse, record, followed, only_member(principal))
    return fresh({"points": points})


@router.get("/sessions/{session_id}/summary", summary="Summary of a class")
def summary(session_id: SessionPath, principal: Anyone, services: Parts) -> Response:
    """404 `summary_pending`, with Retry-After, until it is written. Members see their own row."""
    record = watched(services, principal, session_id)
    found = class_summary(services.warehouse, session_id=session_id)
    if found is None:
        detail = "The summary is being written." if record.state == "completed" else "The class still runs."
        raise NotFound(detail, kind="summary_pending", retry_after_s=PENDING_RETRY_S)
    return fresh(_own_part(found, only_member(principal)))


@router.get(
    "/members/{member_id}/series",
    summary="One metric of a member over a session",
    responses=shaped("By time", {"metric": {"type": "string"}, "unit": {"type": "string"}, "points": POINTS}),
)
def series(
    *,
    member_id: RowId,
    principal: Anyone,
    services: Parts,
    session_id: Annotated[str, Query(pattern=SESSION_PATTERN)],
    metric: Metric = "heart_rate_bpm",
    step_s: Annotated[int, Query(ge=1, le=3_600)] = 1,
) -> Response:
    """Means of each step that has a value; steps without one are left out."""
    _may_read_member(principal, member_id)
    watched(services, principal, session_id)
    points = member_series(services.warehouse, member_id=member_id, session_id=session_id, metric=metric, step_s=step_s)
    return fresh({"member_id": member_id, "metric": metric, "unit": UNITS[metric], "step_s": step_s, "points": points})


def events_shown(book: SessionBook, member_id: int | None) -> list[Json]:
    """Events by time, from the hub as from the warehouse; of one moment first who takes part, then what they do."""

    def place(event: AppEvent) -> tuple[int, bool, str]:
        return event.event_time_ms, not isinstance(event, RosterChanged | MemberChanged), event.event_id

    return [event_shown(event) for event in sorted(book.seen_events(member_id), key=place)]


def read_alerts(services: Services, session_id: str, book: SessionBook) -> None:
    """Fill in the alerts that the warehouse holds."""
    for alert in session_alerts(services.warehouse, session_id=session_id):
        book.take_alert(alert)


def read_events(services: Services, session_id: str, book: SessionBook) -> None:
    """Fill in the events that the warehouse holds."""
    for event in session_events(services.warehouse, session_id=session_id):
        book.take_event(event)


def _may_read_member(principal: Principal, member_id: int) -> None:
    if only_member(principal) not in {None, member_id}:
        raise Forbidden("You may only see your own data.", kind="not_yours")


def _line(record: SessionRecord, figures: Json, member_id: int | None) -> Json:
    return {
        "session_id": record.session_id,
        "class_id": record.class_id,
        "class_name": record.class_name,
        "class_type": record.class_type,
        "trainer_id": record.trainer_id,
        "started_at_ms": record.started_at_ms,
        "ended_at_ms": record.ended_at_ms,
        "expected": figures.get("expected", len(record.participants)),
        "attended": figures.get("attended"),
        "average_intensity": figures.get("average_intensity") if _crowded(figures, member_id) else None,
        "alerts": figures.get("alerts"),
    }


def _crowded(figures: Json, member_id: int | None) -> bool:
    """Whether so many came that a member cannot read another's values out of the class's."""
    return member_id is None or (figures.get("attended") or 0) >= CLASS_METRICS_FROM_ACTIVE


def _own_part(summary: Json, member_id: int | None) -> Json:
    if member_id is None:
        return summary
    lists = ("members", "member_achievements")
    own: Json = {name: [row for row in summary.get(name, []) if row.get("member_id") == member_id] for name in lists}
    shown = FOR_MEMBERS | FOR_MEMBERS_OF_MANY if _crowded(summary, member_id) else FOR_MEMBERS
    return {name: value for name, value in summary.items() if name in shown} | own
