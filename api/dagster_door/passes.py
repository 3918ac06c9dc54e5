"""The pass that a browser shows at Dagster's door: short-lived, in a cookie of that path only, good for nothing else."""

import jwt

from api.errors import Unauthorized
from api.principal import Principal
from infra.clock import Clock
from infra.settings import Settings

ISSUER = "paceline"
AUDIENCE = "paceline-dagster"
CLAIMS = ["iss", "aud", "sub", "name", "sid", "iat", "exp"]
COOKIE = "paceline_dagster"
PATH = "/dagster"
LIFETIME_S = 900


class Passes:
    """Issues and verifies passes. An access token is no pass, and a pass is no access token: they name other audiences."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._secret = settings.jwt_secret.get_secret_value()
        self._clock = clock

    def issue(self, admin: Principal) -> str:
        """A pass from now on, for LIFETIME_S."""
        now_s = self._clock() // 1000
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(admin.user_id), "name": admin.name, "sid": admin.sign_in_id}
        return jwt.encode(claims | {"iat": now_s, "exp": now_s + LIFETIME_S}, self._secret, algorithm="HS256")

    def verify(self, text: str) -> Principal:
        """The admin who holds this pass; whether the sign-in still holds, `Standing` tells.

        Raises Unauthorized when it is not ours, damaged or expired.
        """
        try:
            claims = jwt.decode(
                text,
                self._secret,
                algorithms=["HS256"],
                issuer=ISSUER,
                audience=AUDIENCE,
                # time is checked below, against the clock that was passed in
                options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            user_id, expires_at_ms = int(claims["sub"]), int(claims["exp"]) * 1000
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthorized("This pass is not valid.", kind="pass_invalid") from None
        if self._clock() >= expires_at_ms:
            raise Unauthorized("This pass has expired.", kind="pass_expired")
        return Principal(user_id, str(claims["name"]), "admin", expires_at_ms, str(claims["sid"]))

    def due(self, holder: Principal) -> bool:
        """Whether half of its life is over: whoever goes on working gets a fresh one."""
        return holder.expires_at_ms - self._clock() < LIFETIME_S * 500
