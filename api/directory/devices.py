"""Device tokens: made, shown once, revoked; the gateway learns of each through the directory."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.directory.change import Change
from api.directory.models import DeviceToken
from api.directory.people import profile_of
from api.errors import NotFound, Unprocessable
from schemas.directory import DeviceRecord

TOKEN_ID_LENGTH = 12


@dataclass(frozen=True)
class NewDevice:
    """A device and the only sight of its token."""

    device: DeviceToken
    token: str


def add_device(
    change: Change,
    *,
    device_id: str,
    scope: Literal["member", "gateway"],
    member_id: int | None,
    created_by: int | None,
    new_secret: Callable[[], str],
) -> NewDevice:
    """A new token `pd_<token_id>_<secret>`, for one member or for a gateway."""
    if (scope == "member") != (member_id is not None):
        raise Unprocessable("A token of scope 'member' needs member_id; one of scope 'gateway' has none.", kind="scope_unclear")
    if member_id is not None:
        profile_of(change.db, member_id)
    token_id = hashlib.sha256(change.new_id().encode()).hexdigest()[:TOKEN_ID_LENGTH]
    token = f"pd_{token_id}_{new_secret()}"
    device = DeviceToken(
        token_id=token_id,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        device_id=device_id,
        scope=scope,
        member_id=member_id,
        created_by=created_by,
        created_at_ms=change.now_ms,
    )
    change.db.add(device)
    change.db.flush()
    change.publish_record(_record(device))
    return NewDevice(device, token)


def revoke_device(change: Change, token_id: str) -> None:
    """The token is good no longer, as soon as the gateway has read so. Twice is no error."""
    device = change.db.get(DeviceToken, token_id, with_for_update=True)
    if device is None:
        raise NotFound("There is no such device token.", kind="unknown_device")
    if device.revoked_at_ms is None:
        device.revoked_at_ms = change.now_ms
        change.publish_record(_record(device))


def devices(db: Session) -> Sequence[DeviceToken]:
    """All tokens, newest first."""
    return db.scalars(select(DeviceToken).order_by(DeviceToken.created_at_ms.desc(), DeviceToken.token_id)).all()


def _record(device: DeviceToken) -> DeviceRecord:
    return DeviceRecord(
        token_id=device.token_id,
        token_sha256=device.token_sha256,
        device_id=device.device_id,
        scope="member" if device.scope == "member" else "gateway",
        member_id=device.member_id,
        revoked=device.revoked_at_ms is not None,
    )
