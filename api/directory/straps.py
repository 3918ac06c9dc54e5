"""Bluetooth straps: what hubs have seen, and whose each is. Hubs follow only those that are somebody's."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.models import DeviceToken, Strap, User
from api.directory.people import profile_of
from api.errors import NotFound

FORGET_AFTER_MS = 24 * 3_600_000
"""A strap that is nobody's and was not seen for so long: a passer-by's."""
UNKNOWN_MAX = 500
SEEN = ("name", "measures", "signal_dbm", "battery_percent", "state", "seen_by", "seen_at")
"""Columns that a hub's word renews."""


def report(change: Change, hub: DeviceToken, sightings: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a hub has seen; whose a strap is stays as it is. The same address twice: the last counts."""
    latest = {seen["address"]: seen for seen in sightings}
    if latest:
        # in one order, so that two hubs never wait for each other
        added = insert(Strap).values([_row(change, hub, latest[address]) for address in sorted(latest)])
        news = {name: added.excluded[name] for name in SEEN}
        change.db.execute(added.on_conflict_do_update(index_elements=["address"], set_=news))
    _forget_passers_by(change)


def _row(change: Change, hub: DeviceToken, seen: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: value for name, value in seen.items() if name != "seen_ms_ago"}
    return {**facts, "seen_by": hub.device_id, "seen_at_ms": change.now_ms - seen["seen_ms_ago"]}


def _forget_passers_by(change: Change) -> None:
    unknown = Strap.member_id.is_(None)
    change.db.execute(delete(Strap).where(unknown, Strap.seen_at_ms < change.now_ms - FORGET_AFTER_MS))
    kept = select(Strap.address).where(unknown).order_by(Strap.seen_at_ms.desc(), Strap.address).limit(UNKNOWN_MAX)
    change.db.execute(delete(Strap).where(unknown, Strap.address.not_in(kept)))


def straps(db: Session) -> Sequence[tuple[Strap, str | None]]:
    """All straps with their members' names, nobody's first, then the latest seen."""
    rows = (
        select(Strap, User.name)
        .outerjoin(User, User.id == Strap.member_id)
        .order_by(Strap.member_id.is_not(None), Strap.seen_at_ms.desc(), Strap.address)
    )
    return [(strap, name) for strap, name in db.execute(rows)]


def wearers(db: Session) -> Sequence[User]:
    """Whose a strap may be: active members, by name."""
    return db.scalars(select(User).where(User.role == "member", User.active).order_by(User.name, User.id)).all()


def assigned(db: Session) -> Sequence[Strap]:
    """The straps that hubs shall follow: those of active members."""
    rows = select(Strap).join(User, User.id == Strap.member_id).where(User.active).order_by(Strap.address)
    return db.scalars(rows).all()


def assign(change: Change, address: str, member_id: int | None, assigned_by: int) -> Strap:
    """The strap is this member's from now on, whoever's it was, or nobody's. Raises NotFound."""
    if member_id is not None:
        profile_of(change.db, member_id)
    strap = change.db.get(Strap, address, with_for_update=True)
    if strap is None:
        raise NotFound("No hub has seen this strap.", kind="unknown_strap")
    strap.member_id = member_id
    strap.assigned_by = None if member_id is None else assigned_by
    return strap
