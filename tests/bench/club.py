"""A large club: classes that run now, a hub in each, and people who watch. Written to where the API would write it."""

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid5

import msgspec
from sqlalchemy.orm import Session

from api.auth.tokens import Tokens
from api.directory.change import Change
from api.directory.models import RefreshFamily
from api.directory.people import add_user
from infra.clock import system_clock
from infra.kafka import open_producer
from infra.postgres import open_engine
from infra.settings import Settings
from schemas.directory import DeviceRecord, DirectoryRecord, MemberRecord, Participant, SessionRecord, directory_key
from schemas.topics import DIRECTORY

NAMESPACE = UUID("6f0d5c1e-7a55-4c62-9d0c-1f1f5f0f9f11")
OTHERS_FROM = 1_000_000
"""Members who never sign in have ids from here on."""
ZONE_FLOORS = (95, 114, 133, 152, 171)


@dataclass(frozen=True)
class Watcher:
    """Somebody who is signed in."""

    user_id: int
    role: str
    token: str


@dataclass(frozen=True)
class RunningClass:
    """A class, its hub's token, who leads it, and those of its members who watch on their phones."""

    session_id: str
    members: tuple[int, ...]
    hub_token: str
    trainer: Watcher
    phones: tuple[Watcher, ...]


@dataclass(frozen=True)
class Club:
    """All classes."""

    classes: tuple[RunningClass, ...]

    @property
    def members(self) -> int:
        return sum(len(one.members) for one in self.classes)


def found_club(settings: Settings, classes: int, members_each: int, phones: int) -> Club:
    """Start the classes. `phones` of all members have a user and a sign-in, evenly spread; so has each class's trainer."""
    tokens = Tokens(settings, system_clock)
    engine = open_engine(settings)
    with Session(engine) as db, db.begin():
        trainers = [_watcher(db, tokens, "trainer", n) for n in range(classes)]
        with_phone = [_watcher(db, tokens, "member", n) for n in range(phones)]
    engine.dispose()
    made = []
    others = iter(range(OTHERS_FROM, OTHERS_FROM + classes * members_each))
    for number, trainer in enumerate(trainers):
        theirs = tuple(with_phone[number::classes][:members_each])
        members = [phone.user_id for phone in theirs]
        members += [next(others) for _ in range(members_each - len(members))]
        session_id = str(uuid5(NAMESPACE, f"{settings.home}/{number}"))
        made.append(RunningClass(session_id, tuple(members), f"pd_bench{number}_{'x' * 32}", trainer, theirs))
    _announce(settings, made)
    return Club(tuple(made))


def _watcher(db: Session, tokens: Tokens, role: str, number: int) -> Watcher:
    now_ms = system_clock()
    sign_in_id = str(uuid5(NAMESPACE, f"{role}/{number}"))
    name = f"{role.capitalize()} {number}"
    user = add_user(
        Change(db, now_ms, lambda: f"{role}-record-{number:06d}"), email=f"{role}{number}@bench.example", name=name, role=role
    )
    db.add(RefreshFamily(family_id=sign_in_id, user_id=user.id, created_at_ms=now_ms))
    return Watcher(user.id, role, tokens.issue(user.id, name, role, sign_in_id))


def _announce(settings: Settings, classes: list[RunningClass]) -> None:
    producer = open_producer(settings)

    def put(record: DirectoryRecord) -> None:
        producer.produce(DIRECTORY.name, msgspec.json.encode(record), key=directory_key(record))
        producer.poll(0)

    for number, one in enumerate(classes):
        for member_id in one.members:
            put(MemberRecord(member_id=member_id))
        digest = hashlib.sha256(one.hub_token.encode()).hexdigest()
        put(DeviceRecord(token_id=f"bench{number}", token_sha256=digest, device_id=f"hub-{number}", scope="gateway"))
        put(_session(number, one))
    if producer.flush(30):
        raise RuntimeError("Kafka did not take the club")


def _session(number: int, one: RunningClass) -> SessionRecord:
    people = tuple(
        Participant(member_id=member, name=f"Member {member}", heart_rate_zone_floors_bpm=ZONE_FLOORS) for member in one.members
    )
    return SessionRecord(
        session_id=one.session_id,
        class_id=number + 1,
        class_name=f"Class {number}",
        class_type="spin",
        trainer_id=one.trainer.user_id,
        started_at_ms=system_clock() - 1_000,
        participants=people,
    )
