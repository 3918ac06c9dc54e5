"""An admin's bearer token for a pass, and everything under /dagster for whoever shows one."""

from fastapi import APIRouter, Depends, Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.dagster_door.passes import COOKIE, LIFETIME_S, PATH, Passes
from api.dagster_door.upstream import Upstream
from api.errors import Conflict, Forbidden, NotFound, Unauthorized
from api.principal import Principal
from api.push.door import origin_allowed
from api.routes.access import Admin, same_origin
from api.services import Services
from infra.telemetry.logs import logger

log = logger(__name__)
METHODS = ["GET", "HEAD", "POST"]
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
UNWELCOME = 1008
STRANGERS_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Dagster - Paceline</title>
<h1>Dagster is for admins</h1>
<p><a href="/">Sign in to Paceline</a> as an admin and open it from the bar at the top of the page.</p>
</html>"""

router = APIRouter()


class Door:
    """One process's door: passes, and the way to Dagster behind it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.passes = Passes(services.settings, services.clock)
        self.upstream = Upstream(services.settings)

    async def admitted(self, caller: HTTPConnection) -> Principal:
        """The admin who asks. Raises Unauthorized without a good pass, Forbidden for another site's page."""
        origin, host = caller.headers.get("origin"), caller.headers.get("host", "")
        foreign = origin is not None and not origin_allowed(origin, host, self.services.settings.public_origins)
        if foreign or caller.headers.get("sec-fetch-site") in FOREIGN_SITES:
            raise Forbidden("Another site's page may not use Dagster.", kind="foreign_origin")
        shown = caller.cookies.get(COOKIE)
        if not shown:
            raise Unauthorized("Dagster is for admins: open it from Paceline's page.", kind="pass_missing")
        holder = self.passes.verify(shown)
        if await run_in_threadpool(self.services.standing.ended, (holder.sign_in_id,)):
            raise Unauthorized("This sign-in has ended: sign in again.", kind="signed_out")
        return holder

    def hand_out(self, response: Response, request: Request, admin: Principal) -> None:
        """A fresh pass into the browser."""
        response.set_cookie(
            COOKIE,
            self.passes.issue(admin),
            max_age=LIFETIME_S,
            path=PATH,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def door_of(caller: HTTPConnection) -> Door:
    """The door of this application."""
    door: Door = caller.app.state.dagster_door
    return door


@router.post(
    "/api/v1/dagster/pass",
    summary="Open Dagster",
    status_code=204,
    tags=["operations"],
    dependencies=[Depends(same_origin)],
)
def open_dagster(request: Request, admin: Admin) -> Response:
    """A cookie that is good for /dagster, for a quarter of an hour and longer while it is used. Only for admins.

    409 with the type `dagster_not_running` where the house was started without it.
    """
    door = door_of(request)
    if not door.upstream.serves():
        problem = "Dagster does not run here: start the house with `paceline up --dagster`."
        raise Conflict(problem, kind="dagster_not_running")
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    door.hand_out(response, request, admin)
    log.info("dagster_opened", user_id=admin.user_id)
    return response


@router.api_route(PATH, methods=METHODS, include_in_schema=False)
@router.api_route(PATH + "/{path:path}", methods=METHODS, include_in_schema=False)
async def dagster(request: Request) -> Response:
    """Dagster's pages, files and GraphQL."""
    door = door_of(request)
    wants_page = "text/html" in request.headers.get("accept", "")
    try:
        holder = await door.admitted(request)
    except Unauthorized:
        if wants_page:
            return HTMLResponse(STRANGERS_PAGE, 401, headers={"Cache-Control": "no-store"})
        raise
    if request.url.path == PATH:
        return RedirectResponse(f"{PATH}/")
    if request.url.path == f"{PATH}/graphql" and request.method == "GET" and wants_page:
        raise NotFound("Dagster's page for queries is not offered here.")  # it would need scripts from anywhere
    response = await door.upstream.passed(request)
    if door.passes.due(holder):
        door.hand_out(response, request, holder)
    return response


@router.websocket(PATH + "/graphql")
async def subscriptions(websocket: WebSocket) -> None:
    """GraphQL subscriptions: the pages' news of runs."""
    door = door_of(websocket)
    try:
        await door.admitted(websocket)
        if "origin" not in websocket.headers:
            raise Forbidden("Only pages open this socket.", kind="foreign_origin")
    except (Unauthorized, Forbidden) as refusal:
        await websocket.close(UNWELCOME, refusal.detail)
        return
    await door.upstream.talk(websocket)
