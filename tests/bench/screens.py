"""Who watches: trainers' screens and members' phones, each a client of the live WebSocket that keeps to docs/protocol.md."""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import orjson

from tests.bench.club import RunningClass, Watcher
from tests.bench.ledger import Ledger
from tests.bench.light_socket import LightSocket

Message = dict[str, Any]


@dataclass
class Screen:
    """One socket on one class: metrics, alerts, events. A phone is told of its member only."""

    of: RunningClass
    watcher: Watcher
    ledger: Ledger
    deflate: bool
    holes: int = 0
    """Deltas that did not begin where this screen stood, stream messages missing or doubled."""
    unrecovered: int = 0
    """Streams that could not be continued after a reconnect."""
    refused: list[str] = field(default_factory=list)
    messages: int = 0
    bytes_read: int = 0
    _socket: LightSocket | None = None
    _welcomed: asyncio.Future[Message] | None = None
    _version: int | None = None
    _members: list[int] = field(default_factory=list)
    _positions: dict[str, tuple[str, int]] = field(default_factory=dict)
    _seen: set[tuple[str, int]] = field(default_factory=set)

    @property
    def is_phone(self) -> bool:
        return self.watcher.role == "member"

    async def connect(self, api_url: str, patience_s: float = 10) -> bool:
        """Open, say hello from where it stopped, be welcomed. False when that failed."""
        url = api_url.replace("http", "ws", 1) + "/api/v1/live/ws"
        self._welcomed = asyncio.get_running_loop().create_future()
        self._version = None
        socket = LightSocket(url, self._hear, deflate=self.deflate)
        try:
            async with asyncio.timeout(patience_s):
                await socket.connect()
                self._socket = socket
                socket.send(self._hello())
                welcome = await self._welcomed
        except (OSError, TimeoutError) as failure:
            self.refused.append(repr(failure))
            return False
        if welcome["type"] != "welcome":
            self.refused.append(str(welcome))
        return bool(welcome["type"] == "welcome")

    def cut(self) -> None:
        """The network is gone."""
        if self._socket:
            self.bytes_read += self._socket.bytes_read
            self._socket.abort()

    @property
    def connected(self) -> bool:
        return self._socket is not None and self._socket.usable

    def _hello(self) -> bytes:
        wanted: list[Message] = [{"channel": f"metrics:{self.of.session_id}"}]
        for kind in ("alerts", "events"):
            channel = f"{kind}:{self.of.session_id}"
            position = self._positions.get(channel)
            wanted.append({"channel": channel} | ({"epoch": position[0], "offset": position[1]} if position else {}))
        return orjson.dumps({"type": "hello", "version": 1, "token": self.watcher.token, "subscriptions": wanted})

    def _hear_first(self, message: Message) -> None:
        if message["type"] == "welcome":
            self._take_welcome(message)
        if self._welcomed and not self._welcomed.done():
            self._welcomed.set_result(message)
        elif message["type"] == "bye":
            self.refused.append(str(message))

    def _take_welcome(self, welcome: Message) -> None:
        for told in welcome["subscriptions"]:
            if "error" in told:
                self.refused.append(str(told["error"]))
            elif told["mode"] == "stream":
                if told["channel"] in self._positions and not told["recovered"]:
                    self.unrecovered += 1
                    self._positions[told["channel"]] = (told["epoch"], told["offset"])
                self._positions.setdefault(told["channel"], (told["epoch"], told["offset"]))

    def _hear(self, text: bytes) -> None:
        now_s = perf_counter()
        message = orjson.loads(text)
        self.messages += 1
        kind = message["type"]
        if kind == "metrics_update":
            self._paint(message, now_s)
        elif kind in {"alert", "session_event"}:
            self._take_stream(message, now_s)
        elif kind in {"welcome", "bye"}:
            self._hear_first(message)
        elif kind == "gap":
            self.holes += 1

    def _paint(self, message: Message, now_s: float) -> None:
        if message["kind"] == "key":
            self._members = message["members"]
        elif message["from"] != self._version:
            self.holes += 1
        self._version = message["version"]
        moments = message["columns"].get("heart_rate_at_ms")
        if moments:
            shown, members, on_phone = self.ledger.shown, self._members, self.is_phone
            for row, at_ms in zip(message["rows"], moments, strict=True):
                if at_ms is not None:
                    shown(members[row], at_ms, now_s, on_phone=on_phone)

    def _take_stream(self, message: Message, now_s: float) -> None:
        channel, offset, previous = message["channel"], message["offset"], message["previous"]
        epoch, last = self._positions.get(channel, ("", -1))
        if offset <= last or (previous is not None and previous > last):
            self.holes += 1
        self._positions[channel] = (epoch, max(offset, last))
        if message["type"] == "alert":
            self._take_alert(message, now_s)

    def _take_alert(self, message: Message, now_s: float) -> None:
        key = (message["alert_id"], message["version"])
        if key in self._seen:
            self.ledger.alerts_doubled += 1
        self._seen.add(key)
        first_word = message["version"] == 1 and message["rule"] == "heart_rate_high"
        if first_word and not self.is_phone:
            self.ledger.alert_told(message["member_id"], message["raised_at_ms"], now_s)
