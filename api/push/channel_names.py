"""The names of channels, and who may listen to which."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from api.principal import Principal
from api.push.protocol import Refusal
from schemas.directory import SessionRecord

Kind = Literal["metrics", "alerts", "events", "user"]
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"(?:(metrics|alerts|events):({_UUID})|(user):([1-9][0-9]{{0,15}}))")


@dataclass(frozen=True, slots=True)
class ChannelName:
    """`kind:key`, where key is a session id or, of `user`, a user id."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @property
    def state_address(self) -> str:
        """Where the present state is read when messages were missed."""
        return "/api/v1/live/messages" if self.kind == "user" else f"/api/v1/live/sessions/{self.key}/state"


def parse_channel(text: str) -> ChannelName | Refusal:
    """The channel of that name."""
    found = _NAME.fullmatch(text)
    if not found:
        return Refusal("unknown_channel", "Channels are metrics:, alerts: or events:<session id>, or user:<id>.")
    kind, session_id, _user, user_id = found.groups()
    return ChannelName("user", user_id) if user_id else ChannelName(cast("Kind", kind), session_id)


def session_channels(session_id: str) -> tuple[str, ...]:
    """The channels of one session, by name."""
    return (f"events:{session_id}", f"alerts:{session_id}", f"metrics:{session_id}")


def refusal_to_watch(user: Principal, name: ChannelName, session: SessionRecord | None) -> Refusal | None:
    """Why this user may not listen to the channel, or none."""
    if name.kind == "user":
        return None if int(name.key) == user.user_id else Refusal("forbidden", "This channel is another user's.")
    if session is None:
        return Refusal("unknown_session", f"There is no session {name.key}.", temporary=True)
    return None if user.may_watch(session) else Refusal("forbidden", "You do not take part in this session.")


def seen_as(user: Principal) -> int | None:
    """Whose view of a session this user has: a member sees what concerns that member, the staff (none) everything."""
    return user.user_id if user.role == "member" else None
