"""A class's data collection from start to end: one at a time, each step published and logged with its data."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.models import CollectionLog, CollectionSession, RosterEntry, TrainingClass, User
from api.directory.participants import change_roster, freeze, publish, record_of
from api.directory.sources import active_sources
from api.errors import Conflict, Forbidden, NotFound
from api.principal import Principal
from schemas.directory import ClassLimits, Segment, SessionRecord
from schemas.events import AppEnvelope, AppEvent, SessionEnded, SessionPaused, SessionResumed, SessionStarted

State = Literal["active", "paused"]


def start(change: Change, principal: Principal, class_id: int, member_ids: Iterable[int] | None) -> SessionRecord:
    """Begin to collect; the members expected are the roster's (without who was switched off since) unless given.

    Raises Conflict `collection_active` when this class is already collected.
    """
    training = led_class(change.db, principal, class_id)
    running = running_of(change.db, class_id)
    if running:
        raise _already(class_id, running.session_id)
    expected = _present_roster(change.db, class_id) if member_ids is None else member_ids
    trainer = change.db.get(User, training.trainer_id) if training.trainer_id else None
    record = SessionRecord(
        session_id=change.new_id(),
        class_id=class_id,
        class_name=training.name,
        class_type=training.class_type,
        trainer_id=training.trainer_id,
        trainer_name=trainer.name if trainer else "",
        started_at_ms=change.now_ms,
        planned_duration_s=training.planned_duration_s,
        segments=tuple(msgspec.convert(training.segments, list[Segment])),
        limits=msgspec.convert(training.limits, ClassLimits),
        participants=freeze(change.db, expected, change.now_ms),
    )
    _insert(change, record)
    started = SessionStarted(
        **envelope(change, record, principal.user_id),
        class_type=record.class_type,
        expected_members=len(record.participants),
    )
    change.publish_event(started)
    _log(change, record, principal, "start", session_info(record))
    return record


def set_state(change: Change, principal: Principal, class_id: int, state: State) -> SessionRecord:
    """Pause or resume; asking for the state it has changes nothing."""
    row = _led_running(change, principal, class_id)
    record = record_of(row)
    if record.state == state:
        return record
    record = msgspec.structs.replace(record, state=state)
    publish(change, row, record)
    event: type[SessionPaused | SessionResumed] = SessionPaused if state == "paused" else SessionResumed
    change.publish_event(event(**envelope(change, record, principal.user_id)))
    _log(change, record, principal, "pause" if state == "paused" else "resume", {})
    return record


def end(change: Change, principal: Principal, class_id: int, reason: str) -> SessionRecord:
    """Stop to collect; the live flow writes the summary when it meets the event."""
    row = _led_running(change, principal, class_id)
    record = record_of(row)
    ended_at_ms = max(change.now_ms, record.started_at_ms)
    record = msgspec.structs.replace(record, state="completed", ended_at_ms=ended_at_ms)
    publish(change, row, record)
    change.publish_event(SessionEnded(**envelope(change, record, principal.user_id), reason=reason))
    minutes = (ended_at_ms - record.started_at_ms) / 60_000
    data = {"duration_minutes": round(minutes, 2), "expected_members": len(record.participants), "reason": reason}
    _log(change, record, principal, "end", data)
    return record


def add_participant(change: Change, row: CollectionSession, member_id: int, actor_id: int) -> None:
    """Somebody who is not on the roster walks in: from now on a participant of this session."""
    present = [p.member_id for p in record_of(row).participants]
    if member_id not in present:
        change_roster(change, row, [*present, member_id], actor_id)


def log_step(
    change: Change, *, class_id: int, session_id: str | None, actor_id: int, event_type: str, data: dict[str, Any]
) -> None:
    """Write to the collection log."""
    change.db.add(
        CollectionLog(
            class_id=class_id,
            session_id=session_id,
            actor_id=actor_id,
            event_type=event_type,
            event_data=data,
            at_ms=change.now_ms,
        )
    )


def session_info(record: SessionRecord) -> dict[str, Any]:
    """What may be shown of a session to whoever started it."""
    return {
        "class_id": record.class_id,
        "class_name": record.class_name,
        "class_type": record.class_type,
        "trainer_id": record.trainer_id,
        "start_time_ms": record.started_at_ms,
        "expected_member_count": len(record.participants),
        "active_data_sources": active_sources(record.class_type),
        "status": record.state,
    }


def led_class(db: Session, principal: Principal, class_id: int) -> TrainingClass:
    """The class, its row locked, for somebody who may lead it."""
    training = db.get(TrainingClass, class_id, with_for_update=True)
    if training is None:
        raise NotFound("There is no such class.", kind="unknown_class")
    if not principal.may_lead(training.trainer_id):
        raise Forbidden("Only the trainer of this class or an admin may do this.", kind="not_your_class")
    return training


def running_of(db: Session, class_id: int, *, lock: bool = False) -> CollectionSession | None:
    """The running session of a class, if there is one."""
    wanted = select(CollectionSession).where(CollectionSession.class_id == class_id, CollectionSession.state != "completed")
    return db.scalar(wanted.with_for_update() if lock else wanted)


def led_session(change: Change, principal: Principal, session_id: str, *, running: bool) -> CollectionSession:
    """A session, its row locked, for somebody who may lead it; with `running`, only before its end."""
    row = change.db.get(CollectionSession, session_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such session.", kind="unknown_session")
    if not principal.may_lead(record_of(row).trainer_id):
        raise Forbidden("Only the trainer of this class or an admin may do this.", kind="not_your_class")
    if running and row.state == "completed":
        raise Conflict("This session has ended.", kind="session_over")
    return row


def _present_roster(db: Session, class_id: int) -> Sequence[int]:
    entries = select(RosterEntry.user_id).join(User, User.id == RosterEntry.user_id)
    return db.scalars(entries.where(RosterEntry.class_id == class_id, User.active, User.role == "member")).all()


def _log(change: Change, record: SessionRecord, principal: Principal, event_type: str, data: dict[str, Any]) -> None:
    log_step(
        change,
        class_id=record.class_id or 0,
        session_id=record.session_id,
        actor_id=principal.user_id,
        event_type=event_type,
        data=data,
    )


def _led_running(change: Change, principal: Principal, class_id: int) -> CollectionSession:
    led_class(change.db, principal, class_id)
    row = running_of(change.db, class_id, lock=True)
    if row is None:
        raise Conflict("No collection is active for this class.", kind="no_active_collection")
    return row


def _insert(change: Change, record: SessionRecord) -> None:
    row = CollectionSession(
        session_id=record.session_id,
        class_id=record.class_id,
        state=record.state,
        started_at_ms=record.started_at_ms,
        record=msgspec.to_builtins(record),
    )
    change.db.add(row)
    try:
        change.db.flush()
    except IntegrityError:
        raise _already(record.class_id, None) from None
    change.publish_record(record)


def _already(class_id: int | None, session_id: str | None) -> Conflict:
    return Conflict(
        "Collection is already active for this class.", kind="collection_active", class_id=class_id, session_id=session_id
    )


def envelope(change: Change, record: SessionRecord, actor_id: int) -> dict[str, Any]:
    """What every app event of this session, done now by this user, has in common."""
    return {
        "event_id": change.new_id(),
        "session_id": record.session_id,
        "class_id": record.class_id,
        "actor_id": actor_id,
        "event_time_ms": change.now_ms,
        "received_time_ms": change.now_ms,
    }


def add_event(change: Change, row: CollectionSession, actor_id: int, event: type[AppEnvelope], **fields: Any) -> AppEvent:
    """Publish one more event of this session."""
    made: AppEvent = event(**(envelope(change, record_of(row), actor_id) | fields))  # type: ignore[assignment] # callers name AppEvent's types
    change.publish_event(made)
    return made
