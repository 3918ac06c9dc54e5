"""The live WebSocket's frames as docs/protocol.md lays them down: what clients may send, and the server's small ones."""

from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from api.principal import Principal
from api.push.frame import Frame
from api.push.limits import HEARTBEAT_MS, MAX_SUBSCRIPTIONS

ChannelText = Annotated[str, Meta(min_length=3, max_length=100)]
FrameId = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Offset = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
IntervalMs = Annotated[int, Meta(ge=0, le=60_000)]


class CloseCode(IntEnum):
    """Why a socket is closed, in the table of docs/protocol.md."""

    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SLOW = 4408
    RESTART = 4410
    TOO_MUCH = 4429
    BAD_FRAME = 4440


COMES_BACK = frozenset({CloseCode.UNAUTHORIZED, CloseCode.SLOW, CloseCode.RESTART, CloseCode.TOO_MUCH})


class Wanted(Struct, frozen=True, kw_only=True):
    """One channel, and where the client stopped reading it; `interval_ms` is the least time between metrics updates."""

    channel: ChannelText
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    offset: Offset | None = None
    interval_ms: IntervalMs = 0


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first frame: who, and which channels from where."""

    version: Annotated[int, Meta(ge=1, le=1)] = 1
    token: Annotated[str, Meta(max_length=8_192)] | None = None
    subscriptions: Annotated[tuple[Wanted, ...], Meta(max_length=MAX_SUBSCRIPTIONS)] = ()


class Subscribe(Wanted, frozen=True, kw_only=True, tag="subscribe"):
    """One more channel."""

    id: FrameId | None = None


class Unsubscribe(Struct, frozen=True, kw_only=True, tag="unsubscribe"):
    """One channel less."""

    channel: ChannelText
    id: FrameId | None = None


class Key(Struct, frozen=True, kw_only=True, tag="key"):
    """The client has lost its base: it needs the whole of the metrics."""

    channel: ChannelText


class Ack(Struct, frozen=True, kw_only=True, tag="ack"):
    """Everything up to this offset has arrived (of metrics: this version)."""

    channel: ChannelText
    offset: Offset


class Token(Struct, frozen=True, kw_only=True, tag="token"):
    """A new access token for the same user."""

    token: Annotated[str, Meta(max_length=8_192)]


class Ping(Struct, frozen=True, kw_only=True, tag="ping"):
    """Answered by a reply with the server's time."""

    id: FrameId | None = None


ClientFrame = Hello | Subscribe | Unsubscribe | Key | Ack | Token | Ping
client_frame_decoder = msgspec.json.Decoder(ClientFrame)


class Refusal(Struct, frozen=True):
    """Why something asked for was not done; `temporary` invites another try."""

    code: str
    message: str
    temporary: bool = False

    def shown(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "temporary": self.temporary}


def reply(frame_id: int | None, result: dict[str, Any] | None = None) -> Frame:
    """A thing asked for was done."""
    return Frame.of({"type": "reply", "id": frame_id, "ok": True, **(result or {})})


def refuse(frame_id: int | None, refusal: Refusal) -> Frame:
    """A thing asked for was not done."""
    return Frame.of({"type": "reply", "id": frame_id, "ok": False, "error": refusal.shown()})


def welcome(connection: str, user: Principal, now_ms: int, subscriptions: list[dict[str, Any]]) -> Frame:
    """The answer to hello."""
    return Frame.of(
        {
            "type": "welcome",
            "connection": connection,
            "user": {"id": user.user_id, "name": user.name, "role": user.role},
            "heartbeat_s": HEARTBEAT_MS // 1_000,
            "server_time_ms": now_ms,
            "subscriptions": subscriptions,
        }
    )


def heartbeat(now_ms: int) -> Frame:
    """Nothing else was sent for a while."""
    return Frame.of({"type": "heartbeat", "server_time_ms": now_ms})


def refresh(expires_in_s: int) -> Frame:
    """The token runs out: bring a new one."""
    return Frame.of({"type": "refresh", "expires_in_s": expires_in_s})


def gap(channel: str, epoch: str, offset: int, state: str) -> Frame:
    """Messages after the client's position are gone: the state at `state` holds what they did."""
    return Frame.of({"type": "gap", "channel": channel, "epoch": epoch, "offset": offset, "state": state})


def unsubscribed(channel: str, refusal: Refusal) -> Frame:
    """The server ended a subscription, because the right to it ended."""
    return Frame.of({"type": "unsubscribed", "channel": channel, "error": refusal.shown()})


def bye(code: CloseCode, reason: str, after_ms: tuple[int, int]) -> Frame:
    """The server closes the socket next; `after_ms` is when to come back."""
    return Frame.of({"type": "bye", "code": code, "reason": reason, "reconnect": code in COMES_BACK, "after_ms": after_ms})
