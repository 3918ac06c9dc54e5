"""Messages between trainer and members of a session: who may write to whom, and what was written."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.models import CollectionSession, SentMessage, User
from api.directory.participants import record_of, sessions_of_member
from api.errors import Conflict, Forbidden, NotFound, Unprocessable
from api.principal import Principal
from schemas.directory import SessionRecord
from schemas.messages import LiveMessage


def send(change: Change, principal: Principal, session_id: str, recipient_id: int | None, text: str) -> LiveMessage:
    """Keep a message and tell whom it is for: of a leader the whole class, unless a member is named; of a member the trainer.

    Raises NotFound, also to members who take no part; Forbidden, Conflict or Unprocessable when it may not go there.
    """
    row = change.db.get(CollectionSession, session_id, with_for_update=True)
    record = record_of(row) if row else None
    if record is None or not principal.may_watch(record):
        raise NotFound("There is no such session.", kind="unknown_session")
    if principal.role == "member":
        recipient_id = _trainer(record, recipient_id)
        recipients: tuple[int, ...] = (recipient_id,)
    else:
        recipients = _members(principal, record, recipient_id)
    fields = {
        "message_id": change.new_id(),
        "session_id": session_id,
        "sent_at_ms": change.now_ms,
        "sender_id": principal.user_id,
        "sender_name": principal.name,
        "sender_role": principal.role,
        "recipient_id": recipient_id,
        "recipients": recipients,
        "text": text,
    }
    message = msgspec.convert(fields, LiveMessage)
    change.db.add(_row(message))
    change.publish_message(message)
    return message


def of_session(db: Session, principal: Principal, record: SessionRecord, limit: int) -> list[LiveMessage]:
    """The newest messages of a session, oldest first: all to who leads it, to others those to the class and their own."""
    own = or_(SentMessage.recipient_id.is_(None), SentMessage.recipient_id == principal.user_id)
    seen = [] if principal.may_lead(record.trainer_id) else [or_(own, SentMessage.sender_id == principal.user_id)]
    return _read(db, [SentMessage.session_id == record.session_id, *seen], limit)


def to_user(db: Session, user_id: int, since_ms: int, limit: int) -> list[LiveMessage]:
    """The newest messages for this user, by name or as one of a class, oldest first."""
    classes = select(CollectionSession.session_id).where(sessions_of_member(user_id))
    of_the_class = SentMessage.recipient_id.is_(None) & SentMessage.session_id.in_(classes)
    mine = or_(SentMessage.recipient_id == user_id, of_the_class)
    return _read(db, [SentMessage.created_at_ms >= since_ms, mine], limit)


def _trainer(record: SessionRecord, recipient_id: int | None) -> int:
    if record.state == "completed":
        raise Conflict("This session has ended.", kind="session_over")
    if record.trainer_id is None:
        raise Conflict("This class has no trainer to write to.", kind="no_trainer")
    if recipient_id not in {None, record.trainer_id}:
        raise Forbidden("A member may write to the trainer of the class only.", kind="not_your_trainer")
    return record.trainer_id


def _members(principal: Principal, record: SessionRecord, recipient_id: int | None) -> tuple[int, ...]:
    if not principal.may_lead(record.trainer_id):
        raise Forbidden("Only the trainer of this class or an admin may do this.", kind="not_your_class")
    members = tuple(participant.member_id for participant in record.participants)
    if recipient_id is None:
        return members
    if recipient_id not in members:
        raise Unprocessable("This member does not take part in the session.", kind="not_in_session")
    return (recipient_id,)


def _row(message: LiveMessage) -> SentMessage:
    return SentMessage(
        id=message.message_id,
        session_id=message.session_id,
        sender_id=message.sender_id,
        sender_role=message.sender_role,
        recipient_id=message.recipient_id,
        message=message.text,
        created_at_ms=message.sent_at_ms,
    )


def _read(db: Session, conditions: Iterable[ColumnElement[bool]], limit: int) -> list[LiveMessage]:
    newest = (SentMessage.created_at_ms.desc(), SentMessage.id)
    joined = select(SentMessage, User.name).join(User, User.id == SentMessage.sender_id)
    found: Sequence[tuple[SentMessage, str]] = [
        (row, name) for row, name in db.execute(joined.where(*conditions).order_by(*newest).limit(limit))
    ]
    return [_message(row, name) for row, name in reversed(found)]


def _message(row: SentMessage, sender_name: str) -> LiveMessage:
    fields = {
        "message_id": row.id,
        "session_id": row.session_id,
        "sent_at_ms": row.created_at_ms,
        "sender_id": row.sender_id,
        "sender_name": sender_name,
        "sender_role": row.sender_role,
        "recipient_id": row.recipient_id,
        "recipients": () if row.recipient_id is None else (row.recipient_id,),
        "text": row.message,
    }
    return msgspec.convert(fields, LiveMessage)
