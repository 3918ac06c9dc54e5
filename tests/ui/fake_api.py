"""A small API that keeps the contract of docs/protocol.md and of the REST calls, with a scripted class behind it.

The pages cannot tell it from the real one: same security headers, same files, real sockets on a real port. It can be killed and
started again on the same port, with its streams as they were (the real ones live in Kafka) or forgotten.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.middleware import Surroundings
from infra.clock import system_clock
from tests.running import free_ports
from tests.ui.fake_class import FakeClass

Json = dict[str, Any]
STATIC = Path(__file__).parents[2] / "api" / "static"
EMAIL, PASSWORD = "tara@paceline.example", "a long enough password"
UPDATE_EVERY_S = 0.25
USER = {"id": 3, "name": "Tara Trainer", "email": EMAIL, "role": "trainer"}


@dataclass
class Stream:
    """The messages of one channel, with offsets that have holes like Kafka's."""

    epoch: str = field(default_factory=lambda: uuid4().hex)
    messages: list[Json] = field(default_factory=list)

    @property
    def head(self) -> int:
        return self.messages[-1]["offset"] if self.messages else 40

    def add(self, body: Json) -> Json:
        previous = self.messages[-1]["offset"] if self.messages else None
        message = {**body, "offset": self.head + 3, "previous": previous}
        self.messages.append(message)
        return message


@dataclass
class Listener:
    """One socket and what it reads."""

    socket: WebSocket
    channels: set[str] = field(default_factory=set)
    version: int | None = None


class FakeApi:
    """Serves one `FakeClass`; `do` runs a change on the server's own thread."""

    def __init__(self, members: int = 40) -> None:
        self.klass = FakeClass(members, system_clock())
        self.user: Json = dict(USER)
        self.streams: dict[str, Stream] = {}
        self.frames: list[Json] = []
        self.calls: list[tuple[str, Json]] = []
        self.summary_after_calls = 2
        self.port = free_ports(1)[0]
        self.cookies: set[str] = set()
        self._listeners: list[Listener] = []
        self._version = 1
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # Running

    def start(self) -> None:
        config = uvicorn.Config(self._app(), port=self.port, log_level="critical", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(self._server,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the fake API did not start"
            time.sleep(0.01)

    def _run(self, server: uvicorn.Server) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            playing = asyncio.create_task(self._play())
            await server.serve()
            playing.cancel()

        with suppress(asyncio.CancelledError):
            asyncio.run(serve())

    def kill(self) -> None:
        """End at once: sockets are cut, the port refuses."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listeners.clear()

    def do(self, change: Callable[[], Any]) -> Any:
        """Run a change where the sockets live, and wait for it; while killed, here."""
        if self._thread is None or not self._thread.is_alive():
            return change()
        assert self._loop is not None

        async def run() -> Any:
            return change()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    # What happens in the class

    def raise_alert(self, member_id: int | None, severity: str, message: str, action: str = "Slow down a little.", age_s: int = 0) -> str:
        def change() -> str:
            alert = self.klass.alert(member_id, severity, message, action, system_clock() - age_s * 1_000)
            self._publish("alerts", alert)
            return str(alert["alert_id"])

        return str(self.do(change))

    def change_alert(self, alert_id: str, **changes: Any) -> None:
        self.do(lambda: self._publish("alerts", self.klass.change_alert(alert_id, system_clock(), **changes)))

    def clear_alert(self, alert_id: str) -> None:
        self.change_alert(alert_id, state="cleared", cleared_at_ms=system_clock())

    def silence(self, member_id: int) -> None:
        self.klass.person(member_id).silent_since_ms = system_clock()

    def forget_streams(self) -> None:
        """As after a lost log: offsets of before mean nothing any more."""
        self.streams.clear()

    def _event(self, kind: str, **more: Any) -> Json:
        event = self.klass.note(kind, system_clock(), **more)
        self._publish("events", {"type": "session_event", "session_id": self.klass.session_id, "event": event})
        return event

    def _stream(self, channel: str) -> Stream:
        return self.streams.setdefault(channel, Stream())

    def _publish(self, kind: str, body: Json) -> None:
        channel = f"{kind}:{self.klass.session_id}"
        message = {**self._stream(channel).add(body), "channel": channel}
        for listener in self._listeners:
            if channel in listener.channels:
                _send(listener.socket, message)

    # Metrics

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(UPDATE_EVERY_S)
            self._version += 1
            rows = self.klass.rows(system_clock())
            for listener in self._listeners:
                if f"metrics:{self.klass.session_id}" in listener.channels:
                    _send(listener.socket, self._metrics(rows, listener.version))
                    listener.version = self._version

    def _metrics(self, rows: list[Json], since: int | None) -> Json:
        key = since is None
        # A delta brings every fourth row, as straps answer one after the other.
        places = [i for i in range(len(rows)) if key or (i + self._version) % 4 == 0]
        columns = sorted({name for row in rows for name in row})
        now_ms = system_clock()
        return {
            "type": "metrics_update",
            "channel": f"metrics:{self.klass.session_id}",
            "session_id": self.klass.session_id,
            "version": self._version,
            "from": since,
            "kind": "key" if key else "delta",
            "event_time_ms": now_ms,
            "received_time_ms": now_ms - 35,
            "session_state": self.klass.state,
            "rows": places,
            "members": [person.member_id for person in self.klass.people] if key else [],
            "names": [person.name for person in self.klass.people] if key else [],
            "columns": {name: [rows[i].get(name) for i in places] for name in columns},
            "class_metrics": self.klass.class_metrics(rows),
        }

    # The socket

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        hello = await socket.receive_json()
        self.frames.append(hello)
        if hello["type"] != "hello" or not str(hello["token"]).startswith("access-"):
            await socket.close(4401)
            return
        listener = Listener(socket)
        told, replay = [], []
        for wanted in hello["subscriptions"]:
            subscribed, missed = self._subscribe(listener, wanted)
            told.append(subscribed)
            replay += missed
        welcome = {"type": "welcome", "connection": uuid4().hex, "heartbeat_s": 10, "server_time_ms": system_clock(), "subscriptions": told}
        await socket.send_json(welcome)
        for message in replay:
            await socket.send_json(message)
        self._listeners.append(listener)
        try:
            while True:
                await self._take(listener, await socket.receive_json())
        except (WebSocketDisconnect, RuntimeError):
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _subscribe(self, listener: Listener, wanted: Json) -> tuple[Json, list[Json]]:
        channel = wanted["channel"]
        listener.channels.add(channel)
        if channel.startswith("metrics:"):
            return {"channel": channel, "mode": "cache", "version": self._version}, []
        stream = self._stream(channel)
        recovered = wanted.get("epoch") == stream.epoch and wanted.get("offset") is not None
        missed = [{**m, "channel": channel} for m in stream.messages if m["offset"] > wanted["offset"]] if recovered else []
        offset = wanted["offset"] if recovered else stream.head
        told = {"channel": channel, "mode": "stream", "epoch": stream.epoch, "offset": offset, "recovered": recovered, "replayed": len(missed)}
        return told, missed

    async def _take(self, listener: Listener, frame: Json) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "ping":
                await listener.socket.send_json({"type": "reply", "id": frame["id"], "ok": True, "server_time_ms": system_clock()})
            case "key":
                listener.version = None
            case "subscribe":
                told, missed = self._subscribe(listener, frame)
                await listener.socket.send_json({"type": "reply", "id": frame["id"], "ok": True, "subscription": told})
                for message in missed:
                    await listener.socket.send_json(message)

    # REST

    def _app(self) -> Surroundings:
        post, get = ["POST"], ["GET"]
        api = "/api/v1"
        of_session = api + "/sessions/{sid}"
        routes = [
            Route(api + "/auth/login", self._login, methods=post),
            Route(api + "/auth/refresh", self._refresh, methods=post),
            Route(api + "/auth/logout", self._logout, methods=post),
            Route(api + "/classes", self._guarded(lambda _r: {"classes": [self.klass.line(), *self._other_classes()]}), methods=get),
            Route(api + "/classes/{id:int}", self._guarded(self._one_class), methods=get),
            Route(api + "/classes/{id:int}/{step}", self._guarded_async(self._step), methods=post),
            Route(api + "/sessions", self._guarded(lambda _r: {"sessions": self._past()}), methods=get),
            Route(api + "/live/sessions/{sid}", self._guarded(self._live), methods=get),
            Route(api + "/live/sessions/{sid}/state", self._guarded(self._state), methods=get),
            Route(of_session + "/alerts", self._guarded(lambda _r: {"alerts": list(self.klass.alerts.values())}), methods=get),
            Route(of_session + "/events", self._guarded(lambda _r: {"events": self.klass.events}), methods=get),
            Route(of_session + "/intensity", self._guarded(lambda _r: {"points": self.klass.intensity(self.klass.ended_at_ms or system_clock())}), methods=get),
            Route(of_session + "/summary", self._guarded(self._summary), methods=get),
            Route(of_session + "/{what}", self._guarded_async(self._note), methods=post),
            Route(api + "/alerts/{alert_id}/acknowledge", self._guarded_async(self._acknowledge), methods=post),
            Route(api + "/members/{id:int}/series", self._guarded(self._series), methods=get),
            WebSocketRoute(api + "/live/ws", self._socket),
            Route("/{path:path}", _page),
        ]
        return Surroundings(Starlette(routes=routes, exception_handlers={HTTPException: _problem}))

    def _guarded(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            _check(request)
            return JSONResponse(answer(request), headers={"Cache-Control": "no-store"})

        return endpoint

    def _guarded_async(self, answer: Callable[[Request, Json], tuple[int, Any]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            _check(request)
            body = await request.json()
            self.calls.append((request.url.path, body))
            status, content = answer(request, body)
            return JSONResponse(content, status)

        return endpoint

    async def _login(self, request: Request) -> Response:
        body = await request.json()
        if body["email"] == "locked@paceline.example":
            raise HTTPException(423, "locked", {"Retry-After": "840"})
        if (body["email"], body["password"]) != (EMAIL, PASSWORD):
            raise HTTPException(401, "unauthorized")
        return self._signed_in()

    async def _refresh(self, request: Request) -> Response:
        cookie = request.cookies.get("paceline_refresh", "")
        if cookie not in self.cookies:
            raise HTTPException(401, "refresh_unknown")
        self.cookies.discard(cookie)
        return self._signed_in()

    async def _logout(self, request: Request) -> Response:
        self.cookies.discard(request.cookies.get("paceline_refresh", ""))
        response = Response(status_code=204)
        response.delete_cookie("paceline_refresh", path="/api/v1/auth")
        return response

    def _signed_in(self) -> Response:
        cookie = uuid4().hex
        self.cookies.add(cookie)
        response = JSONResponse({"access_token": f"access-{uuid4().hex}", "token_type": "bearer", "expires_in": 900, "user": self.user})
        response.set_cookie("paceline_refresh", cookie, path="/api/v1/auth", httponly=True, samesite="strict")
        return response

    def _one_class(self, request: Request) -> Json:
        if request.path_params["id"] != 7:
            raise HTTPException(404, "unknown_class")
        return {**self.klass.line(), "roster": [{"member_id": p.member_id, "name": p.name} for p in self.klass.people]}

    def _step(self, request: Request, _body: Json) -> tuple[int, Any]:
        step = request.path_params["step"]
        klass = self.klass
        if step == "start":
            klass.state, klass.started_at_ms = "active", system_clock()
            self._event("session_started")
        elif step == "end":
            klass.state, klass.ended_at_ms = "completed", system_clock()
            self._event("session_ended")
        else:
            klass.state = {"pause": "paused", "resume": "active"}[step]
            self._event("session_paused" if step == "pause" else "session_resumed")
        return (201 if step == "start" else 200), {"session_id": klass.session_id, "state": klass.state}

    def _live(self, request: Request) -> Json:
        self._known(request)
        return {"session": self.klass.record(), "live": None, "server_time_ms": system_clock()}

    def _state(self, request: Request) -> Json:
        self._known(request)
        names = [f"{kind}:{self.klass.session_id}" for kind in ("alerts", "events")]
        channels = {name: {"epoch": self._stream(name).epoch, "offset": self._stream(name).head} for name in names}
        return {"session_id": self.klass.session_id, "channels": channels, "alerts": list(self.klass.alerts.values()), "events": self.klass.events}

    def _known(self, request: Request) -> None:
        if request.path_params["sid"] != self.klass.session_id:
            raise HTTPException(404, "unknown_session")

    def _note(self, request: Request, body: Json) -> tuple[int, Any]:
        kinds = {"markers": "marker_added", "notes": "note_added", "checkins": "checked_in", "checkouts": "checked_out", "ratings": "rating_given"}
        event = self._event(kinds[request.path_params["what"]], **body)
        return 202, {"event_id": event["event_id"], "session_id": self.klass.session_id}

    def _acknowledge(self, request: Request, _body: Json) -> tuple[int, Any]:
        alert_id = request.path_params["alert_id"]
        now_ms = system_clock()
        self._publish("alerts", self.klass.change_alert(alert_id, now_ms, acknowledged_at_ms=now_ms, acknowledged_by=self.user["name"]))
        return 202, {"alert_id": alert_id, "acknowledged_by": self.user["name"], "event_id": str(uuid4())}

    def _summary(self, request: Request) -> Json:
        self._known(request)
        self.summary_after_calls -= 1
        if self.summary_after_calls >= 0 or self.klass.ended_at_ms is None:
            raise HTTPException(404, "summary_pending", {"Retry-After": "1"})
        return self.klass.summary()

    def _series(self, request: Request) -> Json:
        metric = request.query_params["metric"]
        units = {"heart_rate_bpm": "bpm", "power_watts": "W", "cadence_rpm": "rpm", "speed_mps": "m/s"}
        return {"metric": metric, "unit": units[metric], "points": self.klass.series(request.path_params["id"], metric, system_clock())}

    def _other_classes(self) -> list[Json]:
        line = self.klass.line()
        later = [(8, "Sunrise HIIT", "hiit", 14), (9, "Row & Flow", "rowing", 22)]
        starts = lambda hours: self.klass.started_at_ms + hours * 3_600_000  # noqa: E731 # one expression, used once below
        from tests.ui.fake_class import iso

        return [
            {**line, "id": i, "name": name, "class_type": kind, "starts_at": iso(starts(hours)), "session": None, "roster_count": 18, "last_session_id": None}
            for i, name, kind, hours in later
        ]

    def _past(self) -> list[Json]:
        day = 86_400_000
        start = self.klass.started_at_ms
        lines = [
            {
                "session_id": f"00000000-0000-4000-8000-00000000000{i}",
                "class_id": 7,
                "class_name": name,
                "class_type": "spinning",
                "started_at_ms": start - i * day,
                "ended_at_ms": start - i * day + 2_700_000,
                "expected": 40,
                "attended": 40 - 3 * i,
                "average_intensity": 6.8 - i * 0.4,
            }
            for i, name in ((1, "Evening Spin"), (2, "Lunch HIIT"), (3, "Evening Spin"))
        ]
        return [{**lines[0], "session_id": self.klass.session_id, "started_at_ms": start, "ended_at_ms": self.klass.ended_at_ms}, *lines] if self.klass.ended_at_ms else lines


def _send(socket: WebSocket, message: Json) -> None:
    async def send() -> None:
        with suppress(Exception):  # a socket that went away is taken off its list by its own reader
            await socket.send_json(message)

    task = asyncio.get_running_loop().create_task(send())
    _SENDING.add(task)
    task.add_done_callback(_SENDING.discard)


_SENDING: set["asyncio.Task[None]"] = set()


def _check(request: Request) -> None:
    if not request.headers.get("authorization", "").startswith("Bearer access-"):
        raise HTTPException(401, "unauthorized")


async def _problem(_request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    details = {"summary_pending": "The summary is being written.", "unknown_class": "There is no such class."}
    kind = failure.detail
    body = {"type": kind, "title": kind, "status": failure.status_code, "detail": details.get(kind, kind)}
    return JSONResponse(body, failure.status_code, headers=failure.headers, media_type="application/problem+json")


async def _page(request: Request) -> Response:
    wanted = STATIC / request.path_params["path"]
    return FileResponse(wanted if wanted.is_file() else STATIC / "index.html", headers={"Cache-Control": "no-cache"})
