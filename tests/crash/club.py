"""The club that is trained while everything is killed: people, classes and device tokens, written into the control plane."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy.orm import sessionmaker

from api.auth.passwords import Passwords
from api.directory.change import Change
from api.directory.classes import add_class
from api.directory.devices import add_device
from api.directory.people import add_user
from infra.clock import system_clock
from infra.postgres import open_engine
from infra.settings import Settings
from schemas.directory import ClassLimits, Segment

TRAINER = "trainer@crash.example"


@dataclass(frozen=True)
class ClassPlan:
    """A class to be made: who is expected, and what is odd about it."""

    name: str
    members: int
    kind: str = "ordinary"
    """ordinary, paused, joined, short, silent, empty, nobody."""
    named: bool = True


@dataclass(frozen=True)
class Class:
    """A class as it was made."""

    plan: ClassPlan
    class_id: int
    member_ids: tuple[int, ...]
    token: str


@dataclass
class Club:
    """All of it; `guests` are members without a class."""

    password: str
    classes: list[Class] = field(default_factory=list)
    guests: list[int] = field(default_factory=list)


def found(settings: Settings, plans: Sequence[ClassPlan], guests: int) -> Club:
    """Write the club in one transaction; the running API publishes it."""
    club = Club(secrets.token_urlsafe(12))
    engine = open_engine(settings)
    with sessionmaker(engine, expire_on_commit=False).begin() as db:
        change = Change(db, system_clock(), lambda: str(uuid4()))
        digest = Passwords().digest(club.password)
        trainer = add_user(change, email=TRAINER, name="Tess", role="trainer", password_hash=digest)
        for plan in plans:
            members = [_member(change, f"{plan.name} {number}") for number in range(plan.members)]
            club.classes.append(_class(change, plan, trainer.id, members))
        club.guests = [_member(change, f"Guest {number}") for number in range(guests)]
    engine.dispose()
    return club


def _member(change: Change, name: str) -> int:
    address = f"{name.lower().replace(' ', '.')}@crash.example"
    return add_user(change, email=address, name=name, role="member").id


def _class(change: Change, plan: ClassPlan, trainer_id: int, members: list[int]) -> Class:
    training = add_class(
        change,
        name=plan.name,
        class_type="spin",
        trainer_id=trainer_id,
        starts_at_ms=change.now_ms,
        planned_duration_s=3_600,
        segments=[Segment(name="All", duration_s=3_600)],
        member_ids=members,
        limits=ClassLimits(),
    )
    device = add_device(
        change,
        device_id=f"hub-{plan.name.lower().replace(' ', '-')}",
        scope="gateway",
        member_id=None,
        created_by=trainer_id,
        new_secret=lambda: secrets.token_urlsafe(24),
    )
    return Class(plan, training.id, tuple(members), device.token)
