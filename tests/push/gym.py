"""A running push server on real Kafka, someone who writes to its topics, and clients that keep to docs/protocol.md."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.auth.tokens import Tokens
from infra.clock import Clock, system_clock
from infra.embedded.launch import Launch
from infra.kafka import open_producer
from infra.settings import Settings, child_environment
from schemas.alerts import Alert
from schemas.directory import DirectoryRecord, SessionRecord, directory_key
from schemas.events import AppEvent
from schemas.live import LiveUpdate
from schemas.messages import LiveMessage
from schemas.topics import ALERTS, APP_EVENTS, DIRECTORY, LIVE, LIVE_MESSAGES, Topic, session_key
from tests.push.samples import session
from tests.running import PLAIN, ROOT, answers, running

Message = dict[str, Any]
HOME: dict[type, Topic] = {Alert: ALERTS, LiveUpdate: LIVE, LiveMessage: LIVE_MESSAGES}


class Desk:
    """Writes to the topics what gateway, flows and API would write."""

    def __init__(self, settings: Settings) -> None:
        self._producer = open_producer(settings, linger_ms=0)

    def put(self, message: Alert | AppEvent | LiveUpdate | LiveMessage) -> None:
        topic = HOME.get(type(message), APP_EVENTS)
        self._producer.produce(topic.name, msgspec.json.encode(message), key=session_key(message.session_id))
        self._producer.poll(0)

    def put_record(self, record: DirectoryRecord) -> None:
        self._producer.produce(DIRECTORY.name, msgspec.json.encode(record), key=directory_key(record))
        self.flush()

    def start_session(self, members: tuple[int, ...] = (17, 18), **more: Any) -> SessionRecord:
        record = session(str(uuid4()), members, started_at_ms=system_clock(), **more)
        self.put_record(record)
        return record

    def flush(self) -> None:
        assert self._producer.flush(10) == 0


class Gym:
    """One push server process; `kill` it and `start` it again at the same address."""

    def __init__(self, settings: Settings, port: int, plain: bool = False) -> None:
        self.settings = settings.model_copy(update={"api_port": port, "public_origins": "https://wall.example"})
        self.plain = plain
        self.desk = Desk(settings)
        self.address = f"ws://127.0.0.1:{port}/api/v1/live/ws"

    @contextmanager
    def running(self) -> Iterator[Any]:
        command = [sys.executable, "-m", "tests.push.server_process", *(["plain"] if self.plain else [])]
        launch = Launch(command, child_environment(self.settings), ROOT)
        log = self.settings.home / f"push-{self.settings.api_port}.log"
        with running(launch, lambda: answers(f"{self.settings.api_url}/ready"), log) as process:
            yield process

    def token(self, user_id: int = 3, role: str = "trainer", clock: Clock = system_clock, sign_in: str = "today") -> str:
        return Tokens(self.settings, clock).issue(user_id, "Tess", role, sign_in)

    def client(self, **more: Any) -> AbstractAsyncContextManager[ClientConnection]:
        return connect(self.address, **more)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.settings.api_url}{path}", verify=PLAIN).json()

    def post(self, path: str) -> None:
        httpx.post(f"{self.settings.api_url}{path}").raise_for_status()


async def hello(socket: ClientConnection, token: str | None, *subscriptions: Message) -> Message:
    """Say hello and return the welcome (or whatever else comes first)."""
    await say(socket, {"type": "hello", "version": 1, "token": token, "subscriptions": list(subscriptions)})
    return await hear(socket)


async def say(socket: ClientConnection, frame: Message) -> None:
    await socket.send(orjson.dumps(frame).decode())


async def hear(socket: ClientConnection, kind: str | None = None, timeout_s: float = 15) -> Message:
    """The next message, or the next of a kind."""
    async with asyncio.timeout(timeout_s):
        while True:
            message: Message = orjson.loads(await socket.recv())
            if kind is None or message["type"] == kind:
                return message


async def silence(socket: ClientConnection, seconds: float = 0.3) -> None:
    """Nothing comes."""
    try:
        async with asyncio.timeout(seconds):
            raise AssertionError(f"unexpected: {await socket.recv()!r}")
    except TimeoutError:
        return


async def ending(socket: ClientConnection, timeout_s: float = 15) -> tuple[Message, int]:
    """The goodbye and the close code."""
    last: Message = {}
    with suppress(ConnectionClosed):
        async with asyncio.timeout(timeout_s):
            while True:
                last = orjson.loads(await socket.recv())
    return last, socket.close_code or 0


def soon(seconds: float) -> Clock:
    """A clock for tokens that expire in so many seconds from now."""
    return lambda: int(time.time() * 1_000) - 900_000 + int(seconds * 1_000)
