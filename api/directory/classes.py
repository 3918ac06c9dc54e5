"""Classes on the schedule and their rosters, as lists and as changes."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, literal, or_, select
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.collection import led_class, running_of
from api.directory.columns import Moment, iso
from api.directory.models import CollectionSession, RosterEntry, TrainingClass, User
from api.directory.participants import change_roster, freeze
from api.errors import NotFound, Unprocessable
from api.principal import Principal
from schemas.directory import ClassLimits, Segment

Json = dict[str, Any]


def add_class(
    change: Change,
    *,
    name: str,
    class_type: str,
    trainer_id: int | None,
    starts_at_ms: int,
    planned_duration_s: int,
    segments: Sequence[Segment],
    member_ids: Iterable[int],
    limits: ClassLimits,
) -> TrainingClass:
    """A new class with its roster."""
    members = set(member_ids)
    freeze(change.db, members, change.now_ms)
    if trainer_id is not None:
        trainer = change.db.get(User, trainer_id)
        if trainer is None or trainer.role not in {"trainer", "admin"}:
            raise Unprocessable("trainer_id is not a trainer.", kind="unknown_trainer")
    training = TrainingClass(
        name=name,
        class_type=class_type,
        trainer_id=trainer_id,
        starts_at_ms=starts_at_ms,
        planned_duration_s=planned_duration_s,
        segments=msgspec.to_builtins(segments),
        limits=msgspec.to_builtins(limits),
        created_at_ms=change.now_ms,
    )
    change.db.add(training)
    change.db.flush()
    change.db.add_all(RosterEntry(class_id=training.id, user_id=member_id) for member_id in members)
    change.db.flush()
    return training


def put_roster(change: Change, principal: Principal, class_id: int, member_ids: Iterable[int]) -> None:
    """Make exactly these members expected; a running session follows at once."""
    led_class(change.db, principal, class_id)
    wanted = set(member_ids)
    freeze(change.db, wanted, change.now_ms)
    change.db.execute(delete(RosterEntry).where(RosterEntry.class_id == class_id))
    change.db.add_all(RosterEntry(class_id=class_id, user_id=member_id) for member_id in sorted(wanted))
    running = running_of(change.db, class_id, lock=True)
    if running:
        change_roster(change, running, wanted, principal.user_id)


def classes(db: Session, principal: Principal, limit: int, now_ms: int) -> list[Json]:
    """Classes that the asker may see, soonest start first; members see their own.

    Of more than `limit` those that run and those whose start is nearest to now.
    """
    moment = literal(now_ms, Moment)
    before, after = moment - TrainingClass.starts_at_ms, TrainingClass.starts_at_ms - moment
    wanted = _shown().order_by(CollectionSession.session_id.is_(None), func.greatest(before, after), TrainingClass.id)
    rows = db.execute(_visible(wanted.limit(limit), principal)).all()
    return [_line(row) for row in sorted(rows, key=lambda row: (row[0].starts_at_ms, row[0].id))]


def class_detail(db: Session, principal: Principal, class_id: int) -> Json:
    """One class with its roster; a member sees the class without the others' names."""
    row = db.execute(_visible(_shown().where(TrainingClass.id == class_id), principal)).first()
    if row is None:
        raise NotFound("There is no such class.", kind="unknown_class")
    members = (
        select(User.id, User.name)
        .join(RosterEntry, RosterEntry.user_id == User.id)
        .where(RosterEntry.class_id == class_id)
        .order_by(User.name, User.id)
    )
    if principal.role == "member":
        members = members.where(User.id == principal.user_id)
    roster = [{"member_id": member_id, "name": name} for member_id, name in db.execute(members)]
    return _line(row) | {"roster": roster, "limits": msgspec.to_builtins(msgspec.convert(row[0].limits, ClassLimits))}


def _visible(wanted: Select[Any], principal: Principal) -> Select[Any]:
    if principal.role != "member":
        return wanted
    own = select(RosterEntry.class_id).where(RosterEntry.user_id == principal.user_id)
    return wanted.where(or_(TrainingClass.id.in_(own), TrainingClass.trainer_id == principal.user_id))


def _shown() -> Select[Any]:
    running = CollectionSession
    count = select(func.count()).where(RosterEntry.class_id == TrainingClass.id).scalar_subquery()
    last = (
        select(CollectionSession.session_id)
        .where(CollectionSession.class_id == TrainingClass.id, CollectionSession.state == "completed")
        .order_by(CollectionSession.started_at_ms.desc())
        .limit(1)
        .correlate(TrainingClass)
        .scalar_subquery()
    )
    return (
        select(TrainingClass, User.name, count, running.session_id, running.state, running.started_at_ms, last)
        .outerjoin(User, User.id == TrainingClass.trainer_id)
        .outerjoin(running, (running.class_id == TrainingClass.id) & (running.state != "completed"))
    )


def _line(row: Any) -> Json:
    training, trainer_name, roster_count, session_id, state, started_at_ms, last_session_id = row
    return {
        "id": training.id,
        "name": training.name,
        "class_type": training.class_type,
        "trainer": {"id": training.trainer_id, "name": trainer_name} if training.trainer_id else None,
        "starts_at": iso(training.starts_at_ms),
        "planned_duration_s": training.planned_duration_s,
        "segments": training.segments,
        "roster_count": roster_count,
        "session": {"session_id": session_id, "state": state, "started_at_ms": started_at_ms} if session_id else None,
        "last_session_id": last_session_id,
    }
