"""The demo's club: people, classes with rosters, a gateway's token. Run again, it only renews secrets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from api.directory.change import Change
from api.directory.classes import add_class
from api.directory.devices import add_device, revoke_device
from api.directory.models import DeviceToken, RosterEntry, TrainingClass, User
from api.directory.people import add_user, change_user, put_profile
from api.directory.seed_people import MEMBERS, STAFF, Person, address_of
from api.errors import Malformed
from schemas.directory import ClassLimits, Segment

GATEWAY = "demo-gateway"
QUARTER_MS = 15 * 60_000
Json = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A class of the demo; `trainer` counts through STAFF's trainers."""

    name: str
    class_type: str
    trainer: int
    after_ms: int
    segments: tuple[Segment, ...]

    @property
    def planned_duration_s(self) -> int:
        return sum(segment.duration_s for segment in self.segments)


def _segments(*parts: tuple[str, int]) -> tuple[Segment, ...]:
    return tuple(Segment(name=name, duration_s=minutes * 60) for name, minutes in parts)


PLANS = (
    Plan(
        "Morning Spin",
        "spin",
        0,
        0,
        _segments(("Warm-up", 8), ("Tempo", 12), ("Intervals", 15), ("Climb", 6), ("Cool-down", 4)),
    ),
    Plan(
        "HIIT Express",
        "hiit",
        1,
        4 * QUARTER_MS,
        _segments(("Warm-up", 5), ("Rounds 1–4", 8), ("Rounds 5–8", 8), ("Stretch", 4)),
    ),
    Plan("Tempo Run", "running", 0, 8 * QUARTER_MS, _segments(("Easy", 10), ("Tempo", 25), ("Strides", 5), ("Easy", 10))),
)


def seed(change: Change, member_count: int, digest: Callable[[str], str], new_secret: Callable[[], str]) -> Json:
    """Make the club, give the staff and one member new passwords, and a gateway a new token.

    Returns them, because they are kept nowhere. `digest` turns a password into what is stored.
    """
    if not 1 <= member_count <= len(MEMBERS):
        raise Malformed(f"The demo knows {len(MEMBERS)} people: ask for 1 to {len(MEMBERS)} members.")
    members = [_member(change, person) for person in MEMBERS[:member_count]]
    staff = [(role, _user(change, name, role)) for role, name in STAFF]
    trainers = [user for role, user in staff if role == "trainer"]
    classes = [_class(change, plan, trainers[plan.trainer], members) for plan in PLANS]
    secrets: Json = {}
    for role, user in [*staff, ("member", members[0])]:
        password = new_secret()
        change_user(change, user.id, {"password_hash": digest(password), "active": True})
        login = {"id": user.id, "name": user.name, "email": user.email, "password": password}
        secrets.setdefault(role if role not in secrets else f"second_{role}", login)
    return secrets | {
        "device_token": _gateway_token(change, new_secret),
        "classes": [
            {"id": training.id, "name": training.name, "class_type": training.class_type, "trainer_id": training.trainer_id}
            for training in classes
        ],
        "members": [{"id": user.id, "name": user.name} for user in members],
    }


def _user(change: Change, name: str, role: str) -> User:
    known = change.db.scalar(select(User).where(User.email == address_of(name)))
    return known or add_user(change, email=address_of(name), name=name, role=role)


def _member(change: Change, person: Person) -> User:
    user = _user(change, person.name, "member")
    values = {
        "sex": person.sex,
        "birth_date": person.birth_date,
        "mass_kg": person.mass_kg,
        "max_heart_rate_bpm": person.max_heart_rate_bpm,
        "resting_heart_rate_bpm": person.resting_heart_rate_bpm,
        "threshold_heart_rate_bpm": person.threshold_heart_rate_bpm,
        "ftp_watts": person.ftp_watts,
    }
    put_profile(change, user.id, values)
    return user


def _class(change: Change, plan: Plan, trainer: User, members: Sequence[User]) -> TrainingClass:
    known = change.db.scalar(
        select(TrainingClass).where(TrainingClass.name == plan.name, TrainingClass.trainer_id == trainer.id)
    )
    starts_at_ms = (change.now_ms // QUARTER_MS) * QUARTER_MS + plan.after_ms
    if known is None:
        return add_class(
            change,
            name=plan.name,
            class_type=plan.class_type,
            trainer_id=trainer.id,
            starts_at_ms=starts_at_ms,
            planned_duration_s=plan.planned_duration_s,
            segments=plan.segments,
            member_ids=[user.id for user in members],
            limits=ClassLimits(),
        )
    known.starts_at_ms = starts_at_ms
    present = set(change.db.scalars(select(RosterEntry.user_id).where(RosterEntry.class_id == known.id)))
    missing = [user.id for user in members if user.id not in present]
    change.db.add_all(RosterEntry(class_id=known.id, user_id=user_id) for user_id in missing)
    return known


def _gateway_token(change: Change, new_secret: Callable[[], str]) -> str:
    old = select(DeviceToken.token_id).where(DeviceToken.device_id == GATEWAY, DeviceToken.revoked_at_ms.is_(None))
    for token_id in change.db.scalars(old).all():
        revoke_device(change, token_id)
    made = add_device(change, device_id=GATEWAY, scope="gateway", member_id=None, created_by=None, new_secret=new_secret)
    return made.token
