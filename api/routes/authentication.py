"""Signing in, renewing, signing out."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Body, Cookie, Depends, Request
from starlette.responses import Response

from api.auth.refresh import Grant
from api.directory.models import User
from api.errors import TryLater, Unauthorized
from api.routes.access import Anyone, Parts, same_origin
from api.routes.answers import fresh
from api.routes.bodies import Login, RefreshIn
from api.services import Services

COOKIE = "paceline_refresh"
COOKIE_PATH = "/api/v1/auth"
WAITING_MAX = 200

router = APIRouter(prefix="/api/v1", tags=["sign-in"])
MaybeCookie = Annotated[str | None, Cookie(alias=COOKIE, max_length=200)]


def limited(request: Request, services: Parts) -> None:
    """So many sign-ins from one address, and no more."""
    services.sign_ins.take(request.client.host if request.client else "unknown")


guarded = [Depends(limited), Depends(same_origin)]


@router.post("/auth/login", summary="Sign in", dependencies=guarded)
async def login(body: Login, request: Request, services: Parts) -> Response:
    """An access token, and a refresh token as an HttpOnly cookie or, when `cookies` is false, in the answer."""
    if services.password_turns.statistics().tasks_waiting > WAITING_MAX:
        raise TryLater("Too many people sign in at this moment.", retry_after_s=5)

    def sign_in() -> Response:
        user = services.sign_in.check(body.email, body.password.get_secret_value())
        return _signed_in(services, request, services.refresh.begin(user), cookies=body.cookies)

    # turns of their own, so that slow password checks never take the threads of everybody else's requests
    return await to_thread.run_sync(sign_in, limiter=services.password_turns)


@router.post("/auth/refresh", summary="Renew the access token", dependencies=guarded)
def refresh(
    request: Request, services: Parts, cookie: MaybeCookie = None, body: Annotated[RefreshIn | None, Body()] = None
) -> Response:
    """The refresh token is good once; the next comes with the answer. A used one that comes back ends the sign-in."""
    token = body.refresh_token if body and body.refresh_token else cookie
    if not token:
        raise Unauthorized("There is no refresh token: sign in.", kind="refresh_missing")
    return _signed_in(services, request, services.refresh.renew(token), cookies=token == cookie)


@router.post("/auth/logout", summary="Sign out", status_code=204, dependencies=guarded)
def logout(
    services: Parts, request: Request, cookie: MaybeCookie = None, body: Annotated[RefreshIn | None, Body()] = None
) -> Response:
    """No refresh token of this sign-in is good any more; its access tokens and sockets end within seconds."""
    for token in {cookie, body.refresh_token if body else None} - {None, ""}:
        services.refresh.end(str(token))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, secure=_secure(request), httponly=True, samesite="strict")
    return response


@router.get("/me", summary="Who am I")
def me(principal: Anyone, services: Parts) -> dict[str, Any]:
    """The signed-in user."""
    with services.reading() as db:
        user = db.get(User, principal.user_id)
    if user is None or not user.active:
        raise Unauthorized("This user no longer exists.", kind="user_gone")
    return user_shown(user)


def user_shown(user: User) -> dict[str, Any]:
    """A user without secrets."""
    return {"id": user.id, "name": user.name, "email": user.email, "role": user.role}


def _signed_in(services: Services, request: Request, grant: Grant, *, cookies: bool) -> Response:
    user = grant.user
    answer = {
        "access_token": services.tokens.issue(user.id, user.name, user.role, grant.sign_in_id),
        "token_type": "bearer",
        "expires_in": services.tokens.lifetime_s,
        "user": user_shown(user),
    }
    if not cookies:
        return fresh(answer | {"refresh_token": grant.refresh_token})
    response = fresh(answer)
    response.set_cookie(
        COOKIE,
        grant.refresh_token,
        max_age=services.settings.refresh_token_s,
        path=COOKIE_PATH,
        secure=_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
