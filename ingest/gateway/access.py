"""Who may send: device tokens, as the directory knows them now."""

import hashlib

from infra.directory import Directory
from schemas.directory import DeviceRecord

TOKEN_CHARACTERS_MAX = 200


class Unauthorized(Exception):
    """No valid device token: get one from the trainer or the admin."""


class Access:
    """Checks tokens against the directory; a revoked one fails from the moment the directory says so."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def device(self, token: str) -> DeviceRecord:
        """The device that owns this token. Raises Unauthorized."""
        if not token.startswith("pd_") or len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthorized("a device token begins with pd_")
        found = self._directory.devices_by_token_sha256.get(hashlib.sha256(token.encode()).hexdigest())
        if found is None:
            raise Unauthorized("this device token is not known")
        if found.revoked:
            raise Unauthorized("this device token was revoked")
        return found

    def bearer(self, header: str | None) -> DeviceRecord:
        """The device behind an `Authorization` header. Raises Unauthorized."""
        scheme, _space, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("send the device token as `Authorization: Bearer pd_…`")
        return self.device(token.strip())
