"""What a client's frames do, once it is known who sends them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from api.errors import Unauthorized
from api.push import protocol
from api.push.connection import Connection
from api.push.hub import PushHub
from api.push.limits import MAX_SUBSCRIPTIONS, frame_limit
from api.push.protocol import Ack, ClientFrame, CloseCode, Hello, Key, Ping, Refusal, Subscribe, Token, Unsubscribe
from api.push.subscriptions import MetricsReader


class Conversation:
    """Never waits for slow work: reading must go on, or the pongs of a healthy client would wait too."""

    def __init__(self, hub: PushHub, connection: Connection) -> None:
        self._hub = hub
        self._connection = connection
        self._limit = frame_limit(hub.clock())
        self._tasks: set[asyncio.Task[None]] = set()

    async def greet(self, hello: Hello | None) -> None:
        """Subscribe to what hello names and say welcome; a plain client gets what concerns it."""
        connection, subscriber = self._connection, self._hub.subscriber
        if hello is None:
            told = subscriber.subscribe_plain(connection)
        else:
            await subscriber.sessions_known(hello.subscriptions)
            told = [subscriber.subscribe(connection, wanted) for wanted in hello.subscriptions]
        connection.answer(protocol.welcome(connection.id, connection.principal, self._hub.clock(), told))

    def end(self) -> None:
        """The socket is gone."""
        for task in self._tasks:
            task.cancel()

    def take(self, frame: ClientFrame) -> None:
        """Do what one frame asks for."""
        frame_id = getattr(frame, "id", None)
        if not self._limit.admits(self._hub.clock()):
            self._refuse(frame_id, Refusal("rate", "Too many frames: at most 30 a second.", temporary=True))
            if self._limit.exhausted:
                self._connection.close(CloseCode.TOO_MUCH, "Too many frames.", (5_000, 15_000))
            return
        match frame:
            case Hello():
                self._later(self.greet(frame))
            case Subscribe():
                self._later(self._subscribe(frame))
            case Unsubscribe():
                self._unsubscribe(frame)
            case Key() | Ack():
                self._note(frame)
            case Token():
                self._renew(frame)
            case Ping():
                self._connection.answer(protocol.reply(frame_id, {"server_time_ms": self._hub.clock()}))

    def _refuse(self, frame_id: int | None, refusal: Refusal) -> None:
        self._connection.answer(protocol.refuse(frame_id, refusal))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= MAX_SUBSCRIPTIONS:
            work.close()
            self._refuse(None, Refusal("too_many", "Too many requests wait for an answer.", temporary=True))
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _subscribe(self, frame: Subscribe) -> None:
        await self._hub.subscriber.sessions_known([frame])
        told = self._hub.subscriber.subscribe(self._connection, frame)
        error = told.get("error")
        if error is None:
            self._connection.answer(protocol.reply(frame.id, {"subscription": told}))
        else:
            self._refuse(frame.id, Refusal(**error))

    def _unsubscribe(self, frame: Unsubscribe) -> None:
        if self._hub.sockets.unsubscribe(self._connection, frame.channel):
            self._connection.answer(protocol.reply(frame.id))
        else:
            self._refuse(frame.id, Refusal("not_subscribed", "This channel was not subscribed."))

    def _note(self, frame: Key | Ack) -> None:
        """A lost base, or receipts; about a channel that is not read any more they mean nothing."""
        reader = self._connection.readers.get(frame.channel)
        if reader is None:
            return
        if isinstance(frame, Ack):
            reader.receipts.acknowledge(frame.offset)
        elif isinstance(reader, MetricsReader):
            reader.want_key()
            self._connection.pump()

    def _renew(self, frame: Token) -> None:
        before = self._connection.principal
        try:
            user = self._hub.verify(frame.token)
        except Unauthorized as refusal:
            self._connection.close(CloseCode.UNAUTHORIZED, str(refusal))
            return
        if (user.user_id, user.role) != (before.user_id, before.role):
            self._connection.close(CloseCode.UNAUTHORIZED, "The new token is of another user or role: connect again.")
            return
        self._connection.renew(user)
