"""What ends or forgives sign-ins from outside the sign-in itself."""

import hashlib

from sqlalchemy import delete, exists, update
from sqlalchemy.orm import Session

from api.directory.models import RefreshFamily, RefreshToken, SignInAttempts


def end_all(db: Session, user_id: int, because: str, now_ms: int) -> None:
    """Sign a user out everywhere, as after a new password."""
    db.execute(
        update(RefreshFamily)
        .where(RefreshFamily.user_id == user_id, RefreshFamily.revoked_at_ms.is_(None))
        .values(revoked_at_ms=now_ms, revoked_because=because)
    )


def forget_expired(db: Session, now_ms: int) -> None:
    """Remove tokens past their time, and sign-ins without any."""
    db.execute(delete(RefreshToken).where(RefreshToken.expires_at_ms <= now_ms))
    living = exists().where(RefreshToken.family_id == RefreshFamily.family_id)
    db.execute(delete(RefreshFamily).where(~living))


def forgive(db: Session, email: str) -> None:
    """Forget the failed sign-ins of an address, as after a new password."""
    key = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    db.execute(delete(SignInAttempts).where(SignInAttempts.email_sha256 == key))
