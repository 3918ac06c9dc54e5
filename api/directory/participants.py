"""Who takes part in a session: frozen from profiles at the start, told again when roster, zones or limits change."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from api.directory.change import Change
from api.directory.models import CollectionSession, MemberProfile, User
from api.directory.physiology import participant
from api.errors import Unprocessable
from schemas.directory import Participant, SessionRecord
from schemas.events import MemberChanged, RosterChanged


def record_of(row: CollectionSession) -> SessionRecord:
    """The session as last published."""
    return msgspec.convert(row.record, SessionRecord)


def publish(change: Change, row: CollectionSession, record: SessionRecord) -> None:
    """Keep the session's new record and tell the directory. The caller holds the row's lock."""
    row.state, row.ended_at_ms = record.state, record.ended_at_ms
    row.record = msgspec.to_builtins(record)
    flag_modified(row, "record")
    change.publish_record(record)


def freeze(db: Session, member_ids: Iterable[int], now_ms: int) -> tuple[Participant, ...]:
    """Participants by name.

    Raises Unprocessable when one is not an active member.
    """
    wanted = set(member_ids)
    rows = db.execute(
        select(User, MemberProfile)
        .join(MemberProfile, MemberProfile.user_id == User.id)
        .where(User.id.in_(wanted), User.active, User.role == "member")
        .order_by(User.name, User.id)
    ).all()
    missing = sorted(wanted - {user.id for user, _profile in rows})
    if missing:
        raise Unprocessable(f"Not active members: {missing[:20]}", kind="unknown_members", member_ids=missing)
    return tuple(participant(user, profile, now_ms) for user, profile in rows)


def sessions_of_member(member_id: int) -> Any:
    """A condition: the member takes part."""
    return CollectionSession.record["participants"].contains([{"member_id": member_id}])


def refreeze(change: Change, member_id: int) -> None:
    """Give the running sessions of a member the member's present zones and limits, where they differ."""
    change.db.flush()
    fresh = participant(change.db.get_one(User, member_id), change.db.get_one(MemberProfile, member_id), change.now_ms)
    running = select(CollectionSession).where(CollectionSession.state != "completed", sessions_of_member(member_id))
    for row in change.db.scalars(running.order_by(CollectionSession.session_id).with_for_update()):
        record = record_of(row)
        if fresh in record.participants:
            continue
        kept = tuple(fresh if p.member_id == member_id else p for p in record.participants)
        publish(change, row, msgspec.structs.replace(record, participants=kept))
        change.publish_event(
            MemberChanged(
                event_id=change.new_id(),
                session_id=record.session_id,
                class_id=record.class_id,
                member_id=member_id,
                event_time_ms=change.now_ms,
                received_time_ms=change.now_ms,
            )
        )


def change_roster(change: Change, row: CollectionSession, member_ids: Iterable[int], actor_id: int) -> SessionRecord:
    """Make exactly these members the participants of a running session; those who stay keep what was frozen."""
    record = record_of(row)
    wanted = set(member_ids)
    present = {p.member_id for p in record.participants}
    if wanted == present:
        return record
    added = freeze(change.db, wanted - present, change.now_ms)
    kept = [p for p in record.participants if p.member_id in wanted]
    record = msgspec.structs.replace(record, participants=(*kept, *added))
    publish(change, row, record)
    for member_id, what in sorted([*((m, "removed") for m in present - wanted), *((m, "added") for m in wanted - present)]):
        change.publish_event(
            RosterChanged(
                event_id=change.new_id(),
                session_id=record.session_id,
                class_id=record.class_id,
                member_id=member_id,
                actor_id=actor_id,
                change="added" if what == "added" else "removed",
                event_time_ms=change.now_ms,
                received_time_ms=change.now_ms,
            )
        )
    return record
