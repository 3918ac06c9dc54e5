"""Refresh tokens: each good once; whoever shows a used one again reveals a theft, and the whole sign-in ends."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from api.directory.models import RefreshFamily, RefreshToken, User
from api.directory.sign_ins import forget_expired
from api.errors import Unauthorized
from infra.clock import Clock
from infra.telemetry.logs import logger

log = logger(__name__)


@dataclass(frozen=True)
class Grant:
    """A signed-in user, which of their sign-ins this is, and the refresh token to use next."""

    user: User
    sign_in_id: str
    refresh_token: str


class Refresh:
    """Keeps the chains of refresh tokens; only digests are stored."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        clock: Clock,
        *,
        lifetime_s: int,
        new_id: Callable[[], str],
        new_secret: Callable[[], str],
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._lifetime_ms = lifetime_s * 1000
        self._new_id = new_id
        self._new_secret = new_secret

    def begin(self, user: User) -> Grant:
        """A new sign-in with its first token."""
        now_ms = self._clock()
        with self._sessions.begin() as db:
            forget_expired(db, now_ms)
            family = RefreshFamily(family_id=self._new_id(), user_id=user.id, created_at_ms=now_ms)
            db.add(family)
            db.flush()
            return Grant(user, family.family_id, self._issue(db, family.family_id))

    def renew(self, token: str) -> Grant:
        """Exchange a token for the next.

        Raises Unauthorized when it is unknown, expired, revoked, or was used before.
        """
        failure = Unauthorized("Sign in again.", kind="refresh_refused")
        with self._sessions.begin() as db:
            held = db.scalar(select(RefreshToken).where(RefreshToken.token_sha256 == _digest(token)).with_for_update())
            if held is None:
                raise failure
            family = db.get_one(RefreshFamily, held.family_id, with_for_update=True)
            user = db.get_one(User, family.user_id)
            if family.revoked_at_ms is not None or self._clock() >= held.expires_at_ms or not user.active:
                raise failure
            if held.used_at_ms is None:
                held.used_at_ms = self._clock()
                return Grant(user, family.family_id, self._issue(db, family.family_id))
            family.revoked_at_ms, family.revoked_because = self._clock(), "a used refresh token came back"
        log.warning("refresh_token_reused", user_id=user.id, family_id=family.family_id)
        raise failure

    def end(self, token: str) -> None:
        """Sign out: no token of this sign-in is good any more. Unknown tokens are no error."""
        with self._sessions.begin() as db:
            held = db.get(RefreshToken, _digest(token))
            if held:
                db.execute(
                    update(RefreshFamily)
                    .where(RefreshFamily.family_id == held.family_id, RefreshFamily.revoked_at_ms.is_(None))
                    .values(revoked_at_ms=self._clock(), revoked_because="signed out")
                )

    def _issue(self, db: Session, family_id: str) -> str:
        token = self._new_secret()
        expires_at_ms = self._clock() + self._lifetime_ms
        db.add(RefreshToken(token_sha256=_digest(token), family_id=family_id, expires_at_ms=expires_at_ms))
        return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
