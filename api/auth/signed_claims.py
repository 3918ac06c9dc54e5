"""Our own signed texts (HS256) and what they claim: access tokens, and passes to Dagster. An audience tells them apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from api.errors import Unauthorized

ISSUER = "paceline"
ALGORITHM = "HS256"


@dataclass(frozen=True)
class SignedClaims:
    """One kind of text. `what` is its name, "access token"; `required` are claims that each must bear."""

    what: str
    audience: str
    required: tuple[str, ...]
    secret: str = field(repr=False)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The text that bears these claims."""
        return jwt.encode({"iss": ISSUER, "aud": self.audience, **claims}, self.secret, algorithm=ALGORITHM)

    def read(self, text: str, now_ms: int) -> dict[str, Any]:
        """The claims of a text that is ours, of this kind, whole and not expired; `sub` and `exp` (seconds) are numbers.

        Raises Unauthorized.
        """
        kind = self.what.rsplit(maxsplit=1)[-1]
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                self.secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=self.audience,
                # time is checked below, against the clock that was passed in
                options={"require": ["iss", "aud", *self.required], "verify_exp": False, "verify_iat": False},
            )
            claims |= {"sub": int(claims["sub"]), "exp": int(claims["exp"])}
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthorized(f"The {self.what} is not valid.", kind=f"{kind}_invalid") from None
        if now_ms >= claims["exp"] * 1000:
            raise Unauthorized(f"The {self.what} has expired: renew it.", kind=f"{kind}_expired")
        return claims
