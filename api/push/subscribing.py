"""Taking channels up and letting them go, by right: at a client's wish, for plain clients unasked, when rosters change."""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from api.principal import Principal
from api.push import protocol
from api.push.channel_names import ChannelName, parse_channel, refusal_to_watch, seen_as, session_channels
from api.push.connection import Connection
from api.push.limits import MAX_SUBSCRIPTIONS, UNKNOWN_SESSION_PATIENCE_S
from api.push.protocol import Refusal, Wanted
from api.push.sockets import Sockets
from api.push.subscriptions import MetricsReader, Reader, StreamReader
from api.push.switchboard import Switchboard
from schemas.directory import SessionRecord


class Hall(Protocol):
    """The hub as seen from here: what there is to subscribe to, and who is there."""

    sockets: Sockets
    sessions: dict[str, SessionRecord]
    board: Switchboard

    def running(self) -> list[SessionRecord]: ...


class Subscriber:
    """Decides and does; the sockets and channels are the hub's."""

    def __init__(self, hub: Hall) -> None:
        self._hub = hub
        self._awaited: dict[str, asyncio.Event] = {}

    async def sessions_known(self, wanted: Iterable[Wanted]) -> None:
        """Return when the directory has told of the sessions named, or after a little while.

        A session that was started a moment ago may be on its way here.
        """
        names = [parse_channel(one.channel) for one in wanted]
        keys = {name.key for name in names if isinstance(name, ChannelName) and name.kind != "user"}
        unknown = [self._await_session(key) for key in keys if key not in self._hub.sessions]
        if unknown:
            await asyncio.gather(*unknown)

    def subscribe(self, connection: Connection, wanted: Wanted) -> dict[str, Any]:
        """The subscription as it is told to the client, or its refusal.

        Locating and subscribing happen in one step, so nothing falls between replay and live. Nothing is written here: the
        caller tells the client first.
        """
        name = parse_channel(wanted.channel)
        if isinstance(name, Refusal):
            return {"channel": wanted.channel, "error": name.shown()}
        refusal = refusal_to_watch(connection.principal, name, self._hub.sessions.get(name.key))
        if refusal is None and str(name) not in connection.readers and len(connection.readers) >= MAX_SUBSCRIPTIONS:
            refusal = Refusal("too_many", f"A socket reads at most {MAX_SUBSCRIPTIONS} channels.")
        if refusal is not None:
            return {"channel": wanted.channel, "error": refusal.shown()}
        reader = self._reader(connection.principal, name, wanted)
        self._hub.sockets.subscribe(connection, reader)
        return reader.shown()

    def _reader(self, user: Principal, name: ChannelName, wanted: Wanted) -> Reader:
        board = self._hub.board
        if name.kind == "metrics":
            return MetricsReader(board.metrics(name), seen_as(user), wanted.interval_ms)
        view = None if name.kind == "user" else seen_as(user)
        return StreamReader(board.stream(name), view, wanted.epoch, wanted.offset)

    def subscribe_plain(self, connection: Connection) -> list[dict[str, Any]]:
        """What concerns the user of a plain client: messages to them and, of a member, their running sessions."""
        connection.plain = True
        user = connection.principal
        channels = [f"user:{user.user_id}"]
        if user.role == "member":
            channels += [c for s in self._hub.running() if user.may_watch(s) for c in session_channels(s.session_id)]
        return [self.subscribe(connection, Wanted(channel=channel)) for channel in channels[:MAX_SUBSCRIPTIONS]]

    def session_changed(self, session: SessionRecord) -> None:
        """News of a session: who waited for it goes on, who left its roster stops reading, plain clients of it begin."""
        waited = self._awaited.pop(session.session_id, None)
        if waited is not None:
            waited.set()
        gone = Refusal("forbidden", "You do not take part in this session any more.")
        for channel in session_channels(session.session_id):
            for connection in self._hub.sockets.readers_of(channel):
                if not connection.principal.may_watch(session):
                    self._hub.sockets.unsubscribe(connection, channel)
                    connection.answer(protocol.unsubscribed(channel, gone))
        if session.state != "completed":
            self._join_plain(session)

    def _join_plain(self, session: SessionRecord) -> None:
        for connection in self._hub.sockets:
            user = connection.principal
            if connection.plain and user.role == "member" and user.may_watch(session):
                for channel in session_channels(session.session_id):
                    if channel not in connection.readers:
                        self.subscribe(connection, Wanted(channel=channel))
                connection.pump()

    async def _await_session(self, session_id: str) -> None:
        arrived = self._awaited.setdefault(session_id, asyncio.Event())
        try:
            await asyncio.wait_for(arrived.wait(), UNKNOWN_SESSION_PATIENCE_S)
        except TimeoutError:
            self._awaited.pop(session_id, None)
