"""Access tokens: short-lived JWTs (HS256) that say who asks, and by which sign-in (standing.py tells whether it holds)."""

from collections.abc import Callable
from typing import get_args
from uuid import uuid4

from api.auth.signed_claims import SignedClaims
from api.errors import Unauthorized
from api.principal import Principal, Role
from infra.clock import Clock
from infra.errors import PacelineError
from infra.settings import Settings

AUDIENCE = "paceline-api"
CLAIMS = ("sub", "role", "name", "sid", "iat", "exp", "jti")
KEY_BYTES_MIN = 32


class Tokens:
    """Issues and verifies access tokens with the installation's secret."""

    def __init__(self, settings: Settings, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid4())) -> None:
        secret = settings.jwt_secret.get_secret_value()
        if len(secret.encode()) < KEY_BYTES_MIN:
            raise PacelineError(
                "PACELINE_JWT_SECRET is missing or shorter than 32 bytes",
                "Start with `paceline up`, which makes one, or set a random one.",
            )
        self._signed = SignedClaims("access token", AUDIENCE, CLAIMS, secret)
        self._clock = clock
        self._new_id = new_id
        self.lifetime_s = settings.access_token_s

    def issue(self, user_id: int, name: str, role: str, sign_in_id: str) -> str:
        """A token for this user from now on, for `lifetime_s`."""
        now_s = self._clock() // 1000
        claims = {
            "sub": str(user_id),
            "role": role,
            "name": name,
            "sid": sign_in_id,
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": self._new_id(),
        }
        return self._signed.sign(claims)

    def verify(self, token: str) -> Principal:
        """Who holds this token.

        Raises Unauthorized with a reason when it is not ours, damaged or expired.
        """
        claims = self._signed.read(token, self._clock())
        role = claims["role"]
        if role not in get_args(Role):
            raise Unauthorized("The access token names an unknown role.", kind="token_invalid")
        return Principal(
            user_id=claims["sub"],
            name=str(claims["name"]),
            role=role,
            expires_at_ms=claims["exp"] * 1000,
            sign_in_id=str(claims["sid"]),
        )
