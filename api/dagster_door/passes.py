"""The pass that a browser shows at Dagster's door: short-lived, in a cookie of that path only, good for nothing else."""

from api.auth.signed_claims import SignedClaims
from api.principal import Principal
from infra.clock import Clock
from infra.settings import Settings

AUDIENCE = "paceline-dagster"
CLAIMS = ("sub", "name", "sid", "iat", "exp")
COOKIE = "paceline_dagster"
PATH = "/dagster"
LIFETIME_S = 900


class Passes:
    """Issues and verifies passes. An access token is no pass, and a pass is no access token: they name other audiences."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._signed = SignedClaims("pass", AUDIENCE, CLAIMS, settings.jwt_secret.get_secret_value())
        self._clock = clock

    def issue(self, admin: Principal) -> str:
        """A pass from now on, for LIFETIME_S."""
        now_s = self._clock() // 1000
        claims = {"sub": str(admin.user_id), "name": admin.name, "sid": admin.sign_in_id}
        return self._signed.sign(claims | {"iat": now_s, "exp": now_s + LIFETIME_S})

    def verify(self, text: str) -> Principal:
        """The admin who holds this pass; whether the sign-in still holds, `Standing` tells.

        Raises Unauthorized when it is not ours, damaged or expired.
        """
        claims = self._signed.read(text, self._clock())
        return Principal(claims["sub"], str(claims["name"]), "admin", claims["exp"] * 1000, str(claims["sid"]))

    def due(self, holder: Principal) -> bool:
        """Whether half of its life is over: whoever goes on working gets a fresh one."""
        return holder.expires_at_ms - self._clock() < LIFETIME_S * 500
