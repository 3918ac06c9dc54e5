"""Starting, pausing, resuming and ending a class's data collection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter

from api.directory.change import Change
from api.directory.collection import end, log_step, session_info, set_state, start
from api.directory.idempotency import once
from api.errors import Problem
from api.principal import Principal
from api.routes.access import Leader, Once, Parts, RowId
from api.routes.bodies import End, Start
from api.services import Services
from schemas.directory import SessionRecord

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1/classes/{class_id}", tags=["collection"])


@router.post("/start", summary="Start collecting", status_code=201)
def start_collection(class_id: RowId, principal: Leader, services: Parts, body: Start | None = None, key: Once = None) -> Json:
    """One collection at a time: a second start is answered 409 `collection_active`."""
    expected = body.expected_members if body else None

    def do(change: Change) -> Json:
        record = start(change, principal, class_id, expected)
        return state_shown(record) | {"session_info": session_info(record)}

    with _logged(services, class_id, principal.user_id, "start"), services.change() as change:
        return once(change, principal.user_id, key, f"start {class_id} {expected}".encode(), lambda: do(change))


@router.post("/pause", summary="Pause")
def pause(class_id: RowId, principal: Leader, services: Parts) -> Json:
    """Holds alerts back and stops the class clock; measuring goes on."""
    return _step(services, class_id, principal, "pause", lambda change: set_state(change, principal, class_id, "paused"))


@router.post("/resume", summary="Resume")
def resume(class_id: RowId, principal: Leader, services: Parts) -> Json:
    """Alerts and class clock go on."""
    return _step(services, class_id, principal, "resume", lambda change: set_state(change, principal, class_id, "active"))


@router.post("/end", summary="End collecting")
def end_collection(class_id: RowId, principal: Leader, services: Parts, body: End | None = None) -> Json:
    """The summary stands at `summary_url` a moment later."""
    reason = (body or End()).reason
    ended = _step(services, class_id, principal, "end", lambda change: end(change, principal, class_id, reason))
    return ended | {"summary_url": f"/api/v1/sessions/{ended['session_id']}/summary"}


def state_shown(record: SessionRecord) -> Json:
    """A session's id and state."""
    return {
        "session_id": record.session_id,
        "class_id": record.class_id,
        "state": record.state,
        "started_at_ms": record.started_at_ms,
        "ended_at_ms": record.ended_at_ms,
    }


def _step(services: Services, class_id: int, principal: Principal, what: str, do: Callable[[Change], SessionRecord]) -> Json:
    with _logged(services, class_id, principal.user_id, what), services.change() as change:
        return state_shown(do(change))


@contextmanager
def _logged(services: Services, class_id: int, actor_id: int, what: str) -> Iterator[None]:
    """Write a refusal to the collection log, in a transaction of its own because the other one is rolled back."""
    try:
        yield
    except Problem as problem:
        with services.change() as change:
            data = {"at": what, "type": problem.kind, "detail": problem.detail}
            log_step(change, class_id=class_id, session_id=None, actor_id=actor_id, event_type="error", data=data)
        raise
