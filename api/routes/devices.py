"""Device tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from api.directory.columns import iso
from api.directory.devices import add_device, devices, revoke_device
from api.directory.models import DeviceToken
from api.routes.access import Leader, Only, Parts
from api.routes.bodies import DeviceIn

Json = dict[str, Any]
router = APIRouter(prefix="/api/v1/devices", tags=["devices"], dependencies=[Depends(Only("trainer", "admin"))])


@router.get("", summary="List device tokens")
def list_devices(services: Parts) -> Json:
    """Newest first; the tokens themselves are kept nowhere."""
    with services.reading() as db:
        return {"devices": [_shown(device) for device in devices(db)]}


@router.post("", summary="Create a device token", status_code=201)
def create_device(body: DeviceIn, principal: Leader, services: Parts) -> Json:
    """The answer shows the token, this once."""
    with services.change() as change:
        made = add_device(
            change,
            device_id=body.device_id,
            scope=body.scope,
            member_id=body.member_id,
            created_by=principal.user_id,
            new_secret=services.new_secret,
        )
        return _shown(made.device) | {"token": made.token}


@router.delete("/{token_id}", summary="Revoke a device token", status_code=204)
def delete_device(token_id: Annotated[str, Path(pattern=r"^[0-9a-z]{1,32}$")], services: Parts) -> Response:
    """The gateway refuses it from now on."""
    with services.change() as change:
        revoke_device(change, token_id)
    return Response(status_code=204)


def _shown(device: DeviceToken) -> Json:
    return {
        "token_id": device.token_id,
        "device_id": device.device_id,
        "scope": device.scope,
        "member_id": device.member_id,
        "revoked": device.revoked_at_ms is not None,
        "created_at": iso(device.created_at_ms),
    }
