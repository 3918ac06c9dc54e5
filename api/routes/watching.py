"""Which sessions somebody may see, and what of them."""

import sys
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.directory.models import CollectionSession
from api.directory.participants import record_of, sessions_of_member
from api.errors import NotFound
from api.live_source import LiveView
from api.principal import Principal
from api.push.channels import CLASS_METRICS_FROM_ACTIVE
from api.push.session_book import SessionBook
from api.services import Services
from schemas.directory import SessionRecord


def only_member(principal: Principal) -> int | None:
    """The member whose data alone the asker may see; none: everybody's."""
    return principal.user_id if principal.role == "member" else None


def watched(services: Services, principal: Principal, session_id: str) -> SessionRecord:
    """The session's record.

    Raises NotFound also for members who take no part: they cannot tell it from one that does not exist.
    """
    with services.reading() as db:
        row = db.get(CollectionSession, session_id)
    record = record_of(row) if row else None
    if record is None or not principal.may_watch(record):
        raise NotFound("There is no such session.", kind="unknown_session")
    return record


def sessions(db: Session, principal: Principal, *, running: bool, class_id: int | None, limit: int) -> list[SessionRecord]:
    """Sessions that the asker may see, newest start first."""
    state = CollectionSession.state
    wanted = select(CollectionSession).where(state != "completed" if running else state == "completed")
    if class_id is not None:
        wanted = wanted.where(CollectionSession.class_id == class_id)
    if principal.role == "member":
        wanted = wanted.where(sessions_of_member(principal.user_id))
    wanted = wanted.order_by(CollectionSession.started_at_ms.desc(), CollectionSession.session_id).limit(limit)
    return [record_of(row) for row in db.scalars(wanted)]


def record_shown(principal: Principal, record: SessionRecord) -> SessionRecord:
    """A member sees the session with themselves as the only participant."""
    member_id = only_member(principal)
    if member_id is None:
        return record
    own = tuple(p for p in record.participants if p.member_id == member_id)
    return msgspec.structs.replace(record, participants=own)


def live_shown(principal: Principal, live: LiveView | None) -> dict[str, Any] | None:
    """The present metrics; of a member the own row only."""
    if live is None:
        return None
    member_id = only_member(principal)
    rows = [row for row, member in enumerate(live.members) if member_id in {None, member}]
    shown = live.class_metrics
    if member_id is not None and shown is not None and shown.active_members < CLASS_METRICS_FROM_ACTIVE:
        shown = None
    return {
        "version": live.version,
        "event_time_ms": live.event_time_ms,
        "received_time_ms": live.received_time_ms,
        "session_state": live.session_state,
        "members": [live.members[row] for row in rows],
        "names": [live.names[row] for row in rows],
        "columns": {name: [values[row] for row in rows] for name, values in live.columns.items()},
        "class_metrics": shown,
    }


def hub_book(services: Services, session_id: str) -> SessionBook:
    """What the hub knows, the newest, in a book that lets nothing go. On the event loop's thread only."""
    book = SessionBook(alerts_max=sys.maxsize, events_max=sys.maxsize)
    for event in services.hub.events(session_id):
        book.take_event(event)
    for alert in services.hub.alerts(session_id):
        book.take_alert(alert)
    return book


def hub_suffices(services: Services, record: SessionRecord) -> bool:
    """Whether the hub has read a running session from its start, so that the warehouse need not be asked."""
    return record.state != "completed" and services.hub.ready() and services.hub.complete(record.session_id)
