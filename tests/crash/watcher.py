"""A client of the live WebSocket that keeps to docs/protocol.md, comes back after every interruption, and notes what it saw."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

SILENCE_S = 25
INTERVAL_MS = 500
ASK_AGAIN_S = 1.0
Json = dict[str, Any]


@dataclass
class Stream:
    """What came on one stream, in order, each message once; `position` is where to go on."""

    epoch: str | None = None
    last: int = -1
    begun_at: int = -1
    """Where the log stood when this client first subscribed."""
    messages: list[Json] = field(default_factory=list)


@dataclass
class Picture:
    """The metrics of one session as a page would show them."""

    version: int = -1
    state: str = ""
    members: list[int] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)


class Watcher:
    """Watches sessions over one socket. `faults` holds everything that the protocol promises not to happen."""

    def __init__(self, address: str, token: str, rng: random.Random) -> None:
        self.streams: dict[str, Stream] = {}
        self.pictures: dict[str, Picture] = {}
        self.faults: list[str] = []
        self.sockets = 0
        self.replayed = 0
        self._address = address.replace("http", "ws", 1) + "/api/v1/live/ws"
        self._token = token
        self._rng = rng
        self._socket: ClientConnection | None = None
        self._tries = 0
        self._stopped = False
        self._news = asyncio.Event()
        self._asked: list[str] = []
        """The channels of all requests to subscribe, by their ids."""

    async def watch(self, session_id: str) -> None:
        """From now on this session too."""
        self.streams[f"alerts:{session_id}"] = Stream()
        self.streams[f"events:{session_id}"] = Stream()
        self.pictures[f"metrics:{session_id}"] = Picture()
        if self._socket:
            for channel in (f"alerts:{session_id}", f"events:{session_id}", f"metrics:{session_id}"):
                await self._subscribe(channel)

    async def run(self) -> None:
        """Until `stop`; waits between tries as the protocol asks."""
        while not self._stopped:
            try:
                async with asyncio.timeout(10):
                    socket = await connect(self._address, proxy=None, max_size=None, compression=None)
                async with socket:
                    await self._serve(socket)
            except (OSError, TimeoutError, WebSocketException):
                pass
            self._socket = None
            await asyncio.sleep(self._rng.uniform(0, min(2.0, 0.25 * 2**self._tries)))
            self._tries += 1

    def stop(self) -> None:
        self._stopped = True

    async def heard(self, session_id: str, event_type: str, count: int = 1) -> None:
        """Return when so many events of that type have come on the session's stream."""
        stream = self.streams[f"events:{session_id}"]
        while sum(message["event"]["type"] == event_type for message in stream.messages) < count:
            await self._change()

    async def an_alert(self, session_id: str) -> Json:
        """The session's first alert, as soon as it is there."""
        stream = self.streams[f"alerts:{session_id}"]
        while not stream.messages:
            await self._change()
        return stream.messages[0]

    async def _change(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _serve(self, socket: ClientConnection) -> None:
        wanted = [self._wanted(channel) for channel in (*self.streams, *self.pictures)]
        await socket.send(orjson.dumps({"type": "hello", "version": 1, "token": self._token, "subscriptions": wanted}).decode())
        while not self._stopped:
            async with asyncio.timeout(SILENCE_S):
                message = orjson.loads(await socket.recv())
            if message["type"] == "welcome":
                self._socket, self._tries = socket, 0
                self.sockets += 1
                for told in message["subscriptions"]:
                    await self._begin(told)
                missing = {w["channel"] for w in map(self._wanted, (*self.streams, *self.pictures))} - {
                    w["channel"] for w in wanted
                }
                for channel in missing:
                    await self._subscribe(channel)
            elif message["type"] == "bye":
                return
            else:
                await self._take(message)
                self._news.set()

    async def _subscribe(self, channel: str) -> None:
        self._asked.append(channel)
        await self._say({"type": "subscribe", "id": len(self._asked), **self._wanted(channel)})

    async def _refused(self, channel: str, error: Json) -> None:
        """What is refused for the moment is asked for again."""
        if error["temporary"]:
            await asyncio.sleep(ASK_AGAIN_S)
            await self._subscribe(channel)
        else:
            self.faults.append(f"{channel} was refused: {error}")

    def _wanted(self, channel: str) -> Json:
        stream = self.streams.get(channel)
        if stream is None:
            return {"channel": channel, "interval_ms": INTERVAL_MS}
        return {"channel": channel} | ({"epoch": stream.epoch, "offset": stream.last} if stream.epoch else {})

    async def _begin(self, told: Json) -> None:
        """Take note of where a subscription stands."""
        if "error" in told:
            await self._refused(told["channel"], told["error"])
            return
        stream = self.streams.get(told["channel"])
        if stream is None:
            self.pictures[told["channel"]].version = -1  # it stands until the keyframe comes, as on a page
            return
        if stream.epoch is not None and not told["recovered"]:
            self.faults.append(f"{told['channel']} was not continued from {stream.epoch}/{stream.last}: {told}")
        if stream.epoch is None or not told["recovered"]:
            stream.begun_at = told["offset"] if stream.epoch is None else stream.begun_at
            stream.last = told["offset"]
        self.replayed += told.get("replayed", 0)
        stream.epoch = told["epoch"]

    async def _take(self, message: Json) -> None:
        match message["type"]:
            case "alert" | "session_event":
                await self._take_stream(message)
            case "metrics_update":
                await self._take_metrics(message)
            case "reply" if "subscription" in message:
                await self._begin(message["subscription"])
            case "reply" if not message["ok"] and message["id"]:
                await self._refused(self._asked[message["id"] - 1], message["error"])
            case "reply" if not message["ok"]:
                self.faults.append(f"refused: {message}")
            case "gap" | "unsubscribed":
                self.faults.append(f"{message}")

    async def _take_stream(self, message: Json) -> None:
        stream = self.streams[message["channel"]]
        if message["offset"] <= stream.last:
            return
        previous = message["previous"]
        if previous is not None and previous > stream.last:
            self.faults.append(
                f"a hole in {message['channel']}: after {stream.last} came {message['offset']}, {previous} before"
            )
            await self._subscribe(message["channel"])
            return
        stream.last = message["offset"]
        stream.messages.append(message)

    async def _take_metrics(self, message: Json) -> None:
        picture = self.pictures[message["channel"]]
        if message["kind"] == "key":
            picture.members, picture.columns = message["members"], message["columns"]
        elif message["from"] == picture.version:
            for name, values in message["columns"].items():
                column = picture.columns.setdefault(name, [None] * len(picture.members))
                for row, value in zip(message["rows"], values, strict=True):
                    column[row] = value
        else:
            await self._say({"type": "key", "channel": message["channel"]})
            return
        picture.version, picture.state = message["version"], message["session_state"]

    async def _say(self, frame: Json) -> None:
        if self._socket:
            await self._socket.send(orjson.dumps(frame).decode())
