"""Who may call: the bearer token, the rate limit, and the roles, as FastAPI dependencies."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from api.errors import Forbidden, Unauthorized
from api.principal import Principal, Role
from api.services import Services

bearer = HTTPBearer(auto_error=False, description="Access token from POST /api/v1/auth/login")


def services_of(request: Request) -> Services:
    """The process's parts."""
    services: Services = request.app.state.services
    return services


Parts = Annotated[Services, Depends(services_of)]


async def signed_in(services: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Principal:
    """Whoever is signed in, within the rate limit, as long as the sign-in holds."""
    if credentials is None:
        raise Unauthorized("Send an access token: Authorization: Bearer …")
    principal = services.tokens.verify(credentials.credentials)
    services.requests.take(str(principal.user_id))
    standing, sign_in = services.standing, (principal.sign_in_id,)
    fresh = standing.fresh(principal.sign_in_id)
    if standing.ended(sign_in) if fresh else await run_in_threadpool(standing.ended, sign_in):
        raise Unauthorized("This sign-in has ended: sign in again.", kind="signed_out")
    return principal


Anyone = Annotated[Principal, Depends(signed_in)]


class Only:
    """A dependency that lets these roles through."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(self, principal: Anyone) -> Principal:
        if principal.role not in self.roles:
            raise Forbidden(f"This needs the role {' or '.join(self.roles)}; you are {principal.role}.", kind="role")
        return principal


Staff = Annotated[Principal, Depends(Only("trainer", "observer", "admin"))]
Leader = Annotated[Principal, Depends(Only("trainer", "admin"))]
Admin = Annotated[Principal, Depends(Only("admin"))]

RowId = Annotated[int, Path(ge=1, le=2**53 - 1)]
SESSION_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SessionPath = Annotated[str, Path(pattern=SESSION_PATTERN, description="session id: a UUID in lower case")]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="makes a repeated request do nothing and answer the same, for a day",
    ),
]
Metric = Literal["heart_rate_bpm", "power_watts", "cadence_rpm", "speed_mps", "distance_m", "altitude_m"]


def same_origin(request: Request, services: Parts) -> None:
    """Refuse requests that another site's page made; the cookie endpoints depend on it.

    A browser always sends one of the two headers with a POST; a program that sends neither carries no cookie of a victim.
    """
    origin = request.headers.get("origin")
    allowed = {f"{request.url.scheme}://{request.url.netloc}", *services.settings.public_origins.split(",")} - {""}
    if origin is not None and origin not in {entry.strip().rstrip("/") for entry in allowed}:
        raise Forbidden("This origin may not sign in here.", kind="foreign_origin")
    if origin is None and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise Forbidden("Another site may not sign in here.", kind="foreign_origin")
