"""What a trainer does while the class runs: acknowledging, marking, noting, checking in and out, rating."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool

from api.directory.acknowledgements import acknowledge
from api.directory.change import Change
from api.directory.collection import add_event, add_participant, led_session
from api.directory.idempotency import once
from api.directory.participants import record_of
from api.errors import NotFound, Unprocessable
from api.principal import Principal
from api.queries.alert_known import alert_known
from api.routes.access import Leader, Once, Parts, SessionPath
from api.routes.bodies import Acknowledge, Body, Marker, Note, Rating, Who
from api.services import Services
from schemas.events import AppEnvelope, CheckedIn, CheckedOut, MarkerAdded, NoteAdded, RatingGiven

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1", tags=["during class"])
AlertId = Annotated[str, Path(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9:._-]+$")]


@router.post("/alerts/{alert_id}/acknowledge", summary="Acknowledge an alert", status_code=202)
async def acknowledge_alert(alert_id: AlertId, body: Acknowledge, principal: Leader, services: Parts) -> Json:
    """The first acknowledgement counts; a later one is answered with it."""
    in_hub = any(alert.alert_id == alert_id for alert in services.hub.alerts(body.session_id))

    def do() -> Json:
        # before the transaction: nobody shall wait for the session's lock because the warehouse is slow
        if not in_hub and not alert_known(services.warehouse, session_id=body.session_id, alert_id=alert_id):
            raise NotFound("There is no such alert in this session.", kind="unknown_alert")
        with services.change() as change:
            first = acknowledge(change, principal, body.session_id, alert_id)
            return {"alert_id": alert_id, "acknowledged_by": first.user_name, "event_id": first.event_id}

    return await run_in_threadpool(do)


@router.post("/sessions/{session_id}/markers", summary="Mark a moment", status_code=202)
def mark(session_id: SessionPath, body: Marker, principal: Leader, services: Parts, key: Once = None) -> Json:
    """Such as `warmup_end`."""
    return _add(services, principal, session_id, key, MarkerAdded, body, running=True)


@router.post("/sessions/{session_id}/notes", summary="Note something", status_code=202)
def note(session_id: SessionPath, body: Note, principal: Leader, services: Parts, key: Once = None) -> Json:
    """On the class or a member; also after the end."""
    return _add(services, principal, session_id, key, NoteAdded, body, running=False)


@router.post("/sessions/{session_id}/checkins", summary="Check a member in", status_code=202)
def check_in(session_id: SessionPath, body: Who, principal: Leader, services: Parts, key: Once = None) -> Json:
    """Somebody who is not on the roster becomes a participant of this session."""
    return _add(services, principal, session_id, key, CheckedIn, body, running=True)


@router.post("/sessions/{session_id}/checkouts", summary="Check a member out", status_code=202)
async def check_out(session_id: SessionPath, body: Who, principal: Leader, services: Parts, key: Once = None) -> Json:
    """The duration counts from the member's last check-in, where there was one."""
    events = services.hub.events(session_id)
    arrivals = [e.event_time_ms for e in events if isinstance(e, CheckedIn) and e.member_id == body.member_id]
    duration_s = max(0, services.clock() - max(arrivals)) // 1000 if arrivals else None

    def do() -> Json:
        return _add(services, principal, session_id, key, CheckedOut, body, running=True, duration_s=duration_s)

    return await run_in_threadpool(do)


@router.post("/sessions/{session_id}/ratings", summary="Rate a member", status_code=202)
def rate(session_id: SessionPath, body: Rating, principal: Leader, services: Parts, key: Once = None) -> Json:
    """0 to 10; also after the end."""
    return _add(services, principal, session_id, key, RatingGiven, body, running=False)


def _add(  # noqa: PLR0917 # the first five read like a sentence at each call
    services: Services,
    principal: Principal,
    session_id: str,
    key: str | None,
    event: type[AppEnvelope],
    body: Body,
    *,
    running: bool,
    **more: Any,
) -> Json:
    fields = body.model_dump()

    def do(change: Change) -> Json:
        row = led_session(change, principal, session_id, running=running)
        member_id = fields.get("member_id")
        if event is CheckedIn:
            add_participant(change, row, fields["member_id"], principal.user_id)
        elif member_id is not None and member_id not in {p.member_id for p in record_of(row).participants}:
            raise Unprocessable("This member does not take part in the session.", kind="not_in_session")
        made = add_event(change, row, principal.user_id, event, **fields, **more)
        return {"event_id": made.event_id, "session_id": session_id}

    request = f"{event.__name__} {session_id} {body.model_dump_json()}".encode()
    with services.change() as change:
        return once(change, principal.user_id, key, request, lambda: do(change))
