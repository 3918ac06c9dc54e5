"""Signing in: the password check, counted before it is made so that parallel guesses are counted too."""

import hashlib

from sqlalchemy import case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from api.auth.passwords import Passwords
from api.directory.models import SignInAttempts, User
from api.errors import Locked, Unauthorized
from infra.clock import Clock
from infra.telemetry import metrics

FAILURES_MAX = 5
LOCKED_MS = 15 * 60_000
FORGET_MS = 24 * 3_600_000


class SignIn:
    """Decides whether an address and a password are a user."""

    def __init__(self, sessions: sessionmaker[Session], passwords: Passwords, clock: Clock) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock

    def check(self, email: str, password: str) -> User:
        """The user.

        Raises Unauthorized, the same for a wrong password, an unknown address and a switched-off user; Locked after
        five failures within a row, for fifteen minutes.
        """
        email = email.strip().lower()
        key = hashlib.sha256(email.encode()).hexdigest()
        self._count(key)
        with self._sessions.begin() as db:
            user = db.scalar(select(User).where(User.email == email))
        fits = self._passwords.fits(password, user.password_hash if user and user.active else None)
        if user is None or not fits:
            metrics.LOGINS.labels("wrong").inc()
            self._lock_after_last(key)
            raise Unauthorized("E-mail address or password is wrong.", kind="sign_in_failed")
        self._welcome(key, user, password)
        metrics.LOGINS.labels("accepted").inc()
        return user

    def _count(self, key: str) -> None:
        now_ms = self._clock()
        row = SignInAttempts
        over = row.locked_until_ms <= now_ms
        stale = row.last_at_ms <= now_ms - FORGET_MS
        first = insert(row).values(email_sha256=key, failed=1, last_at_ms=now_ms)
        again = {
            "failed": case((or_(over, stale), 1), else_=row.failed + 1),
            "locked_until": case((over, None), else_=row.locked_until_ms),
            "last_at": now_ms,
        }
        counted = first.on_conflict_do_update(index_elements=[row.email_sha256], set_=again)
        with self._sessions.begin() as db:
            failed, locked_until_ms = db.execute(counted.returning(row.failed, row.locked_until_ms)).one()
        if failed > FAILURES_MAX or locked_until_ms is not None:
            metrics.LOGINS.labels("locked").inc()
            until_ms = locked_until_ms or now_ms + LOCKED_MS
            raise Locked(
                "Too many failed sign-ins for this address. Try again later.",
                retry_after_s=max(1, (until_ms - now_ms + 999) // 1000),
            )

    def _lock_after_last(self, key: str) -> None:
        with self._sessions.begin() as db:
            attempts = db.scalar(select(SignInAttempts).where(SignInAttempts.email_sha256 == key).with_for_update())
            if attempts and attempts.failed >= FAILURES_MAX and attempts.locked_until_ms is None:
                attempts.locked_until_ms = self._clock() + LOCKED_MS

    def _welcome(self, key: str, user: User, password: str) -> None:
        with self._sessions.begin() as db:
            row = SignInAttempts
            db.execute(delete(row).where(or_(row.email_sha256 == key, row.last_at_ms <= self._clock() - FORGET_MS)))
            if user.password_hash and self._passwords.outdated(user.password_hash):
                db.merge(user).password_hash = self._passwords.digest(password)
