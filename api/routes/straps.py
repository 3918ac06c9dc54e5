"""Bluetooth straps: seen by hubs, given to members."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from api.directory.columns import iso
from api.directory.models import DeviceToken, Strap
from api.directory.straps import assign, assigned, report, straps, wearers
from api.errors import Forbidden, Unauthorized
from api.routes.access import Leader, Only, Parts, bearer
from api.routes.bodies import SightingsIn, StrapMemberIn
from api.services import Services

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1/straps", tags=["straps"])
leaders = [Depends(Only("trainer", "admin"))]
Address = Annotated[str, Path(pattern=r"^[0-9A-F:-]{12,40}$", description="as hubs write it, in capitals")]


async def hub_of(services: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> DeviceToken:
    """The hub whose device token this is, within the rate limit."""
    if credentials is None:
        raise Unauthorized("Send a gateway's device token: Authorization: Bearer pd_…")
    device = await run_in_threadpool(_device, services, credentials.credentials)
    if device is None or device.revoked_at_ms is not None:
        raise Unauthorized("This device token is not known, or was revoked.", kind="token_invalid")
    if device.scope != "gateway":
        raise Forbidden("Only a gateway's token may tell of straps.", kind="scope")
    services.requests.take(f"hub {device.token_id}")
    return device


def _device(services: Services, token: str) -> DeviceToken | None:
    digest = hashlib.sha256(token.encode()).hexdigest()
    with services.reading() as db:
        return db.scalar(select(DeviceToken).where(DeviceToken.token_sha256 == digest))


@router.post("/sightings", summary="Tell which straps are near")
def tell_sightings(body: SightingsIn, hub: Annotated[DeviceToken, Depends(hub_of)], services: Parts) -> Json:
    """For hubs, with a gateway's device token. The answer says which straps to follow, and for whom."""
    with services.change() as change:
        report(change, hub, [sighting.model_dump() for sighting in body.sightings])
        return {"assigned": [{"address": strap.address, "member_id": strap.member_id} for strap in assigned(change.db)]}


@router.get("", summary="List straps", dependencies=leaders)
def list_straps(services: Parts) -> Json:
    """Those that are nobody's first, then the latest seen; and the members to whom one may be given."""
    with services.reading() as db:
        return {
            "straps": [_shown(strap, name) for strap, name in straps(db)],
            "members": [{"id": user.id, "name": user.name} for user in wearers(db)],
        }


@router.post("/{address}/member", summary="Say whose a strap is")
def post_member(address: Address, body: StrapMemberIn, principal: Leader, services: Parts) -> Json:
    """A member's, or without one nobody's. Hubs follow it, or let it go, from when they next ask, a few seconds later."""
    with services.change() as change:
        strap = assign(change, address, body.member_id, principal.user_id)
        return {"address": strap.address, "member_id": strap.member_id}


def _shown(strap: Strap, name: str | None) -> Json:
    return {
        "address": strap.address,
        "name": strap.name,
        "measures": strap.measures,
        "signal_dbm": strap.signal_dbm,
        "battery_percent": strap.battery_percent,
        "state": strap.state,
        "seen_by": strap.seen_by,
        "seen_at": iso(strap.seen_at_ms),
        "member": None if strap.member_id is None else {"id": strap.member_id, "name": name},
    }
