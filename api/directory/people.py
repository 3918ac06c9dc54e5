"""Users and members' profiles: adding, changing, and what the rest of the house hears of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.models import MemberProfile, User, ZoneHistory
from api.directory.participants import refreeze
from api.directory.physiology import AGE_MAX, AGE_MIN, age_years, max_heart_rate_bpm, zone_floors_bpm
from api.directory.sign_ins import end_all, forgive
from api.errors import Conflict, NotFound, Unprocessable
from schemas.directory import Limits, MemberRecord


def add_user(change: Change, *, email: str, name: str, role: str, password_hash: str | None = None) -> User:
    """A new user; a member becomes known to gateway and flows.

    Raises Conflict when the address is taken.
    """
    user = User(
        email=email.strip().lower(), name=name, role=role, password_hash=password_hash, active=True, created_at_ms=change.now_ms
    )
    change.db.add(user)
    _flush_or_taken(change.db)
    if role == "member":
        _make_member(change, user)
    return user


def change_user(change: Change, user_id: int, changes: dict[str, Any]) -> User:
    """Set the given columns. A new password, a new role or switching off ends every sign-in of the user."""
    user = change.db.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such user.", kind="unknown_user")
    was_member, was_active = user.role == "member", user.active
    for column, value in changes.items():
        setattr(user, column, value)
    _flush_or_taken(change.db)
    if {"password_hash", "role", "active"} & changes.keys():
        end_all(change.db, user_id, "the user was changed", change.now_ms)
        forgive(change.db, user.email)
    is_member = user.role == "member"
    if is_member and change.db.get(MemberProfile, user_id) is None:
        _make_member(change, user)
    elif (was_member, was_active) != (is_member, user.active):
        change.publish_record(MemberRecord(member_id=user.id, active=user.active and is_member))
    if "name" in changes and is_member:
        refreeze(change, user.id)
    return user


def users(db: Session, role: str | None, limit: int) -> Sequence[User]:
    """Users by name."""
    wanted = select(User).order_by(User.name, User.id).limit(limit)
    return db.scalars(wanted if role is None else wanted.where(User.role == role)).all()


def profile_of(db: Session, member_id: int, *, lock: bool = False) -> MemberProfile:
    """A member's profile; with `lock`, nobody else changes the member meanwhile."""
    if lock:
        db.get(User, member_id, with_for_update=True)
    profile = db.get(MemberProfile, member_id)
    if profile is None:
        raise NotFound("There is no such member.", kind="unknown_member")
    return profile


def put_profile(change: Change, member_id: int, values: dict[str, Any]) -> MemberProfile:
    """Replace the physiology; running sessions of the member go on with the new zones, past ones keep theirs."""
    profile = profile_of(change.db, member_id, lock=True)
    for column, value in values.items():
        setattr(profile, column, value)
    age = age_years(profile.birth_date, change.now_ms)
    if age is not None and not AGE_MIN <= age <= AGE_MAX:
        raise Unprocessable(f"Members are {AGE_MIN} to {AGE_MAX} years old; this one would be {age}.", kind="age_unlikely")
    if profile.zone_scheme == "own" and not profile.own_zone_floors_bpm:
        raise Unprocessable("The scheme 'own' needs own_zone_floors_bpm.", kind="zones_missing")
    profile.updated_at_ms = change.now_ms
    _note_zones(change, profile)
    refreeze(change, member_id)
    return profile


def put_limits(change: Change, member_id: int, limits: Limits) -> None:
    """Replace the personal alert limits; they hold at once, in running sessions too."""
    profile = profile_of(change.db, member_id, lock=True)
    profile.limits = msgspec.to_builtins(limits)
    profile.updated_at_ms = change.now_ms
    refreeze(change, member_id)


def _make_member(change: Change, user: User) -> None:
    change.db.add(MemberProfile(user_id=user.id, zone_scheme="maximum", limits={}, updated_at_ms=change.now_ms))
    change.db.flush()
    change.publish_record(MemberRecord(member_id=user.id, active=user.active))


def _note_zones(change: Change, profile: MemberProfile) -> None:
    newest = select(ZoneHistory).where(ZoneHistory.user_id == profile.user_id).order_by(ZoneHistory.valid_from_ms.desc())
    before = change.db.scalars(newest.limit(1)).first()
    now = ZoneHistory(
        user_id=profile.user_id,
        valid_from_ms=change.now_ms,
        zone_scheme=profile.zone_scheme,
        max_heart_rate_bpm=max_heart_rate_bpm(profile, change.now_ms),
        zone_floors_bpm=list(zone_floors_bpm(profile, change.now_ms)),
    )
    same = before and (before.zone_scheme, before.zone_floors_bpm) == (now.zone_scheme, now.zone_floors_bpm)
    if not same:
        change.db.merge(now)


def _flush_or_taken(db: Session) -> None:
    try:
        db.flush()
    except IntegrityError as clash:
        if "uq_users_email" in str(clash.orig):
            raise Conflict("A user with this e-mail address exists.", kind="email_taken") from None
        raise
