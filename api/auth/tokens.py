"""Access tokens: short-lived JWTs (HS256) that say who asks, and by which sign-in (standing.py tells whether it holds)."""

from collections.abc import Callable
from typing import get_args
from uuid import uuid4

import jwt

from api.errors import Unauthorized
from api.principal import Principal, Role
from infra.clock import Clock
from infra.errors import PacelineError
from infra.settings import Settings

ISSUER = "paceline"
AUDIENCE = "paceline-api"
CLAIMS = ["iss", "aud", "sub", "role", "name", "sid", "iat", "exp", "jti"]
KEY_BYTES_MIN = 32


class Tokens:
    """Issues and verifies access tokens with the installation's secret."""

    def __init__(self, settings: Settings, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid4())) -> None:
        self._secret = settings.jwt_secret.get_secret_value()
        if len(self._secret.encode()) < KEY_BYTES_MIN:
            raise PacelineError(
                "PACELINE_JWT_SECRET is missing or shorter than 32 bytes",
                "Start with `paceline up`, which makes one, or set a random one.",
            )
        self._clock = clock
        self._new_id = new_id
        self.lifetime_s = settings.access_token_s

    def issue(self, user_id: int, name: str, role: str, sign_in_id: str) -> str:
        """A token for this user from now on, for `lifetime_s`."""
        now_s = self._clock() // 1000
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": str(user_id),
                "role": role,
                "name": name,
                "sid": sign_in_id,
                "iat": now_s,
                "exp": now_s + self.lifetime_s,
                "jti": self._new_id(),
            },
            self._secret,
            algorithm="HS256",
        )

    def verify(self, token: str) -> Principal:
        """Who holds this token.

        Raises Unauthorized with a reason when it is not ours, damaged or expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                issuer=ISSUER,
                audience=AUDIENCE,
                # time is checked below, against the clock that was passed in
                options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            user_id, role, expires_at_ms = int(claims["sub"]), claims["role"], int(claims["exp"]) * 1000
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthorized("The access token is not valid.", kind="token_invalid") from None
        if self._clock() >= expires_at_ms:
            raise Unauthorized("The access token has expired: renew it.", kind="token_expired")
        if role not in get_args(Role):
            raise Unauthorized("The access token names an unknown role.", kind="token_invalid")
        return Principal(
            user_id=user_id,
            name=str(claims["name"]),
            role=role,
            expires_at_ms=expires_at_ms,
            sign_in_id=str(claims["sid"]),
        )
