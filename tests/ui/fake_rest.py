"""The fake API's REST side: the calls that the pages make, with the answers and problems of the real routes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from api.middleware import Surroundings
from infra.clock import system_clock
from tests.ui.fake_class import iso
from tests.ui.fake_push import FakePush
from tests.ui.fake_summary import summary_of

Json = dict[str, Any]
STATIC = Path(__file__).parents[2] / "api" / "static"
EMAIL, PASSWORD = "tara@paceline.example", "a long enough password"
API = "/api/v1"
UNITS = {"heart_rate_bpm": "bpm", "power_watts": "W", "cadence_rpm": "rpm", "speed_mps": "m/s"}
NOTED = {
    "markers": "marker_added",
    "notes": "note_added",
    "checkins": "checked_in",
    "checkouts": "checked_out",
    "ratings": "rating_given",
}
DETAILS = {
    "dagster_not_running": "Dagster does not run here.",
    "summary_pending": "The summary is being written.",
    "unknown_class": "There is no such class.",
}
DAY_MS = 86_400_000
MEMBERS: list[Json] = [{"id": 11, "name": "Ada"}, {"id": 12, "name": "Ben"}]


class FakeRest:
    """Answers for one class; `calls` keeps what was asked for, `summary_after_calls` how often it is not ready yet."""

    def __init__(self, push: FakePush) -> None:
        self.push = push
        self.klass = push.klass
        self.user: Json = {"id": 3, "name": "Tara Trainer", "email": EMAIL, "role": "trainer"}
        self.calls: list[tuple[str, Json]] = []
        self.summary_after_calls = 2
        self.straps: list[Json] = [_strap(1, None), _strap(2, MEMBERS[0])]
        self.live_path: Json = {"state": "ok", "last_ms": 84, "median_ms": 80, "back_s_ago": 3.0, "problem": "", "remedy": ""}
        self._cookies: set[str] = set()

    def app(self) -> Surroundings:
        reads: dict[str, Callable[[Request], Json]] = {
            "/classes": lambda _request: {"classes": [self.klass.line(), *self._planned()]},
            "/classes/{id:int}": self._one_class,
            "/sessions": lambda _request: {"sessions": self._past()},
            "/straps": lambda _request: {"straps": self.straps, "members": MEMBERS},
            "/live/sessions/{sid}": self._live,
            "/live/sessions/{sid}/state": self._state,
            "/live/messages": lambda _request: {"channels": self.push.user_position(self.user["id"]), "messages": []},
            "/live/messages/{sid}": lambda _request: {"messages": self.klass.messages},
            "/sessions/{sid}/alerts": lambda _request: {"alerts": list(self.klass.alerts.values())},
            "/sessions/{sid}/events": lambda _request: {"events": self.klass.events},
            "/sessions/{sid}/intensity": lambda _request: {"points": self.klass.intensity(system_clock())},
            "/sessions/{sid}/summary": self._summary,
            "/members/{id:int}/series": self._series,
        }
        writes: dict[str, Callable[[Request, Json], tuple[int, Json]]] = {
            "/classes/{id:int}/{step}": self._step,
            "/live/messages": self._message,
            "/straps/{address}/member": self._give,
            "/sessions/{sid}/{what}": self._note,
            "/alerts/{alert_id}/acknowledge": self._acknowledge,
            "/dagster/pass": self._dagster,
        }
        sign_ins = {"login": self._login, "refresh": self._refresh, "logout": self._logout}
        routes = [
            *(Route(f"{API}/auth/{name}", call, methods=["POST"]) for name, call in sign_ins.items()),
            *(Route(API + path, self._reading(call), methods=["GET"]) for path, call in reads.items()),
            *(Route(API + path, self._writing(call), methods=["POST"]) for path, call in writes.items()),
            WebSocketRoute(API + "/live/ws", self.push.socket),
            Route("/health", self._health),
            Route("/{path:path}", _page),
        ]
        return Surroundings(Starlette(routes=routes, exception_handlers={HTTPException: _problem}))

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "live_path": self.live_path})

    def _reading(self, answer: Callable[[Request], Json]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            _check(request)
            return JSONResponse(answer(request), headers={"Cache-Control": "no-store"})

        return endpoint

    def _writing(self, answer: Callable[[Request, Json], tuple[int, Json]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            _check(request)
            body = await request.json()
            self.calls.append((request.url.path, body))
            status, content = answer(request, body)
            return JSONResponse(content, status)

        return endpoint

    def _give(self, request: Request, body: Json) -> tuple[int, Json]:
        strap = next(one for one in self.straps if one["address"] == request.path_params["address"])
        strap["member"] = next((member for member in MEMBERS if member["id"] == body["member_id"]), None)
        return 200, {"address": strap["address"], "member_id": body["member_id"]}

    def _dagster(self, _request: Request, _body: Json) -> tuple[int, Json]:
        raise HTTPException(409, "dagster_not_running")

    # Signing in

    async def _login(self, request: Request) -> Response:
        body = await request.json()
        if body["email"] == "locked@paceline.example":
            raise HTTPException(423, "locked", {"Retry-After": "840"})
        if (body["email"], body["password"]) != (EMAIL, PASSWORD):
            raise HTTPException(401, "unauthorized")
        return self._signed_in()

    async def _refresh(self, request: Request) -> Response:
        cookie = request.cookies.get("paceline_refresh", "")
        if cookie not in self._cookies:
            raise HTTPException(401, "refresh_unknown")
        self._cookies.discard(cookie)
        return self._signed_in()

    async def _logout(self, request: Request) -> Response:
        self._cookies.discard(request.cookies.get("paceline_refresh", ""))
        response = Response(status_code=204)
        response.delete_cookie("paceline_refresh", path=f"{API}/auth")
        return response

    def _signed_in(self) -> Response:
        cookie = uuid4().hex
        self._cookies.add(cookie)
        token = {"access_token": f"access-{uuid4().hex}", "token_type": "bearer", "expires_in": 900}
        response = JSONResponse({**token, "user": self.user})
        response.set_cookie("paceline_refresh", cookie, path=f"{API}/auth", httponly=True, samesite="strict")
        return response

    # Reading

    def _one_class(self, request: Request) -> Json:
        if request.path_params["id"] != 7:
            raise HTTPException(404, "unknown_class")
        return {**self.klass.line(), "roster": [{"member_id": p.member_id, "name": p.name} for p in self.klass.people]}

    def _live(self, request: Request) -> Json:
        self._known(request)
        return {"session": self.klass.record(), "live": None, "server_time_ms": system_clock()}

    def _state(self, request: Request) -> Json:
        self._known(request)
        streams = {kind: self.push.stream(kind) for kind in ("alerts", "events")}
        return {
            "session_id": self.klass.session_id,
            "channels": {f"{k}:{self.klass.session_id}": {"epoch": s.epoch, "offset": s.head} for k, s in streams.items()},
            "alerts": list(self.klass.alerts.values()),
            "events": self.klass.events,
        }

    def _known(self, request: Request) -> None:
        if request.path_params["sid"] != self.klass.session_id:
            raise HTTPException(404, "unknown_session")

    def _summary(self, request: Request) -> Json:
        self._known(request)
        self.summary_after_calls -= 1
        if self.summary_after_calls >= 0 or self.klass.ended_at_ms is None:
            raise HTTPException(404, "summary_pending", {"Retry-After": "1"})
        return summary_of(self.klass, self.klass.ended_at_ms)

    def _series(self, request: Request) -> Json:
        metric = request.query_params["metric"]
        points = self.klass.series(request.path_params["id"], metric, system_clock())
        return {"metric": metric, "unit": UNITS[metric], "points": points}

    def _planned(self) -> list[Json]:
        def planned(class_id: int, name: str, kind: str, hours: int) -> Json:
            starts_at = iso(self.klass.started_at_ms + hours * 3_600_000)
            more = {"starts_at": starts_at, "session": None, "roster_count": 18, "last_session_id": None}
            return {**self.klass.line(), "id": class_id, "name": name, "class_type": kind, **more}

        return [planned(8, "Sunrise HIIT", "hiit", 14), planned(9, "Row & Flow", "rowing", 22)]

    def _past(self) -> list[Json]:
        def past(i: int, name: str) -> Json:
            started_at_ms = self.klass.started_at_ms - i * DAY_MS
            return {
                "session_id": f"00000000-0000-4000-8000-00000000000{i}",
                "class_id": 7,
                "class_name": name,
                "class_type": "spinning",
                "started_at_ms": started_at_ms,
                "ended_at_ms": started_at_ms + 2_700_000,
                "expected": 40,
                "attended": 40 - 3 * i if i < 3 else None,
                "average_intensity": 6.8 - i * 0.4 if i < 3 else None,
            }

        return [past(1, "Evening Spin"), past(2, "Lunch HIIT"), past(3, "Evening Spin")]

    # Changing

    def _step(self, request: Request, _body: Json) -> tuple[int, Json]:
        step, klass = request.path_params["step"], self.klass
        if step == "start":
            klass.state, klass.started_at_ms = "active", system_clock()
        elif step == "end":
            klass.state, klass.ended_at_ms = "completed", system_clock()
        else:
            klass.state = {"pause": "paused", "resume": "active"}[step]
        past = {"start": "started", "end": "ended", "pause": "paused", "resume": "resumed"}[step]
        self.push.event(f"session_{past}")
        return (201 if step == "start" else 200), {"session_id": klass.session_id, "state": klass.state}

    def _note(self, request: Request, body: Json) -> tuple[int, Json]:
        event = self.push.event(NOTED[request.path_params["what"]], **body)
        return 202, {"event_id": event["event_id"], "session_id": self.klass.session_id}

    def _message(self, _request: Request, body: Json) -> tuple[int, Json]:
        return 201, self.klass.said(self.user["id"], self.user["name"], "trainer", body["recipient_id"], body["text"])

    def _acknowledge(self, request: Request, _body: Json) -> tuple[int, Json]:
        alert_id, now_ms, name = request.path_params["alert_id"], system_clock(), self.user["name"]
        changed = self.klass.change_alert(alert_id, now_ms, acknowledged_at_ms=now_ms, acknowledged_by=name)
        self.push.publish("alerts", changed)
        return 202, {"alert_id": alert_id, "acknowledged_by": name, "event_id": str(uuid4())}


def _check(request: Request) -> None:
    if not request.headers.get("authorization", "").startswith("Bearer access-"):
        raise HTTPException(401, "unauthorized")


async def _problem(_request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    kind = failure.detail
    body = {"type": kind, "title": kind, "status": failure.status_code, "detail": DETAILS.get(kind, kind)}
    return JSONResponse(body, failure.status_code, headers=failure.headers, media_type="application/problem+json")


async def _page(request: Request) -> Response:
    wanted = STATIC / request.path_params["path"]
    return FileResponse(wanted if wanted.is_file() else STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _strap(number: int, member: Json | None) -> Json:
    return {
        "address": f"C0:FF:EE:00:00:0{number}",
        "name": f"Strap {number}",
        "measures": "heart rate",
        "signal_dbm": -60,
        "battery_percent": 80 if member else None,
        "state": "live" if member else "near",
        "seen_by": "pi-1",
        "seen_at": iso(system_clock()),
        "member": member,
    }
