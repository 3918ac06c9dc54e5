"""The control plane from the command line. What it owes to Kafka, a running API publishes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker

from api.auth.passwords import SHORTEST, Passwords
from api.directory import devices, people
from api.directory.change import Change
from api.directory.models import User
from api.directory.seed import seed
from api.errors import Problem
from api.principal import Role
from infra.clock import Clock
from infra.errors import PacelineError
from infra.postgres import open_engine, unreachable
from infra.settings import Settings


class Desk:
    """Each method is one transaction. Failures are PacelineErrors."""

    def __init__(self, settings: Settings, clock: Clock, passwords: Passwords | None = None) -> None:
        self._sessions = sessionmaker(open_engine(settings), expire_on_commit=False)
        self._clock = clock
        self._digest = (passwords or Passwords()).digest

    def add_user(self, email: str, name: str, role: str, password: str | None) -> int:
        """Returns the new user's id."""
        if role not in get_args(Role):
            raise PacelineError(f"{role!r} is no role.", f"Choose one of {', '.join(get_args(Role))}.")
        digest = self._digest(_long_enough(password)) if password else None
        with self._change() as change:
            return people.add_user(change, email=email, name=name, role=role, password_hash=digest).id

    def set_password(self, email: str, password: str) -> None:
        digest = self._digest(_long_enough(password))
        with self._change() as change:
            user = change.db.scalar(select(User).where(User.email == email.strip().lower()))
            if user is None:
                raise PacelineError(f"Nobody has the address {email}.", "See `paceline users list`.")
            people.change_user(change, user.id, {"password_hash": digest})

    def users(self) -> list[tuple[int, str, str, str, str]]:
        """id, name, address, role, whether they may sign in."""
        with self._change() as change:
            return [
                (user.id, user.name, user.email, user.role, "yes" if user.active and user.password_hash else "no")
                for user in people.users(change.db, None, 100_000)
            ]

    def add_device(self, device_id: str, member_id: int | None) -> str:
        """Returns the token."""
        with self._change() as change:
            made = devices.add_device(
                change,
                device_id=device_id,
                scope="gateway" if member_id is None else "member",
                member_id=member_id,
                created_by=None,
                new_secret=_new_secret,
            )
            return made.token

    def seed(self, member_count: int) -> dict[str, Any]:
        """Make the demo's club; returns its secrets."""
        with self._change() as change:
            return seed(change, member_count, self._digest, _new_secret)

    @contextmanager
    def _change(self) -> Iterator[Change]:
        try:
            with self._sessions.begin() as db:
                yield Change(db, self._clock(), lambda: str(uuid4()))
        except Problem as problem:
            raise PacelineError(problem.detail) from None
        except OperationalError as failure:
            raise unreachable(failure.orig) from None


def _new_secret() -> str:
    return secrets.token_urlsafe(24)


def _long_enough(password: str) -> str:
    if len(password) < SHORTEST:
        raise PacelineError(f"The password is shorter than {SHORTEST} characters.")
    return password
