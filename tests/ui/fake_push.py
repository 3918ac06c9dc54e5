"""The fake API's live socket: streams with offsets and epochs, metrics as keyframes and deltas, as docs/protocol.md says."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.websockets import WebSocket, WebSocketDisconnect

from infra.clock import system_clock
from tests.ui.fake_class import FakeClass

Json = dict[str, Any]
UPDATE_EVERY_S = 0.25


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


class FakePush:
    """Hands what happens in the class to its sockets; `frames` keeps what clients sent."""

    def __init__(self, klass: FakeClass) -> None:
        self.klass = klass
        self.streams: dict[str, Stream] = {}
        self.frames: list[Json] = []
        self.listeners: list[Listener] = []
        self._version = 1
        self._sending: set[asyncio.Task[None]] = set()

    def stream(self, kind: str) -> Stream:
        return self._stream(f"{kind}:{self.klass.session_id}")

    def _stream(self, channel: str) -> Stream:
        return self.streams.setdefault(channel, Stream())

    def publish(self, kind: str, body: Json) -> None:
        self._tell(f"{kind}:{self.klass.session_id}", body)

    def message(self, user_id: int, body: Json) -> None:
        """A message arrives at a user."""
        self._tell(f"user:{user_id}", {"type": "message", **body})

    def user_position(self, user_id: int) -> Json:
        stream = self._stream(f"user:{user_id}")
        return {f"user:{user_id}": {"epoch": stream.epoch, "offset": stream.head}}

    def _tell(self, channel: str, body: Json) -> None:
        message = {**self._stream(channel).add(body), "channel": channel}
        for listener in self.listeners:
            if channel in listener.channels:
                self._send(listener.socket, message)

    def event(self, kind: str, **more: Any) -> Json:
        event = self.klass.note(kind, system_clock(), **more)
        self.publish("events", {"type": "session_event", "session_id": self.klass.session_id, "event": event})
        return event

    async def play(self) -> None:
        """Metrics for ever."""
        while True:
            await asyncio.sleep(UPDATE_EVERY_S)
            self._version += 1
            rows = self.klass.rows(system_clock())
            for listener in self.listeners:
                if f"metrics:{self.klass.session_id}" in listener.channels:
                    self._send(listener.socket, self._metrics(rows, listener.version))
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

    async def socket(self, socket: WebSocket) -> None:
        """One client, from hello to goodbye."""
        await socket.accept()
        hello = await socket.receive_json()
        self.frames.append(hello)
        if hello["type"] != "hello" or not str(hello["token"]).startswith("access-"):
            await socket.close(4401)
            return
        listener = Listener(socket)
        answers = [self._subscribe(listener, wanted) for wanted in hello["subscriptions"]]
        welcome = {"type": "welcome", "connection": uuid4().hex, "heartbeat_s": 10, "server_time_ms": system_clock()}
        await socket.send_json({**welcome, "subscriptions": [told for told, _missed in answers]})
        for message in [message for _told, missed in answers for message in missed]:
            await socket.send_json(message)
        self.listeners.append(listener)
        try:
            while True:
                await self._take(listener, await socket.receive_json())
        except (WebSocketDisconnect, RuntimeError):
            if listener in self.listeners:
                self.listeners.remove(listener)

    def _subscribe(self, listener: Listener, wanted: Json) -> tuple[Json, list[Json]]:
        channel = wanted["channel"]
        listener.channels.add(channel)
        if channel.startswith("metrics:"):
            return {"channel": channel, "mode": "cache", "version": self._version}, []
        stream = self._stream(channel)
        recovered = wanted.get("epoch") == stream.epoch and wanted.get("offset") is not None
        offset = wanted["offset"] if recovered else stream.head
        missed = [{**message, "channel": channel} for message in stream.messages if message["offset"] > offset]
        told = {"channel": channel, "mode": "stream", "epoch": stream.epoch, "offset": offset}
        return {**told, "recovered": recovered, "replayed": len(missed)}, missed

    async def _take(self, listener: Listener, frame: Json) -> None:
        self.frames.append(frame)
        reply = {"type": "reply", "id": frame.get("id"), "ok": True}
        match frame["type"]:
            case "ping":
                await listener.socket.send_json({**reply, "server_time_ms": system_clock()})
            case "key":
                listener.version = None
            case "subscribe":
                told, missed = self._subscribe(listener, frame)
                await listener.socket.send_json({**reply, "subscription": told})
                for message in missed:
                    await listener.socket.send_json(message)

    def _send(self, socket: WebSocket, message: Json) -> None:
        async def send() -> None:
            with suppress(WebSocketDisconnect, RuntimeError, OSError):  # gone; its own reader takes it off the list
                await socket.send_json(message)

        task = asyncio.get_running_loop().create_task(send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
