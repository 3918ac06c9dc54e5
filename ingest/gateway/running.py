"""Which sessions run, as far as a device needs to know."""

from msgspec import Struct

from infra.directory import Directory
from schemas.directory import DeviceRecord, Participant, Segment


class SeenParticipant(Struct, frozen=True):
    """A participant, and when this gateway last received anything of theirs."""

    participant: Participant
    last_received_ms: int | None


class RunningSession(Struct, frozen=True):
    """A running session with those participants for whom the asking device may send."""

    session_id: str
    class_id: int | None
    class_name: str
    class_type: str
    state: str
    started_at_ms: int
    planned_duration_s: int
    segments: tuple[Segment, ...]
    participants: list[SeenParticipant]


class RunningSessions(Struct, frozen=True):
    """The answer of `GET /v1/sessions`."""

    scope: str
    member_id: int | None
    server_time_ms: int
    sessions: list[RunningSession]


def running_sessions(
    directory: Directory, device: DeviceRecord, last_received_ms: dict[int, int], now_ms: int
) -> RunningSessions:
    """What a device may see: a hub all running sessions, a member's device those the member takes part in."""
    found: list[RunningSession] = []
    for session in sorted(directory.sessions.values(), key=lambda held: held.started_at_ms):
        people = [p for p in session.participants if device.scope == "gateway" or p.member_id == device.member_id]
        if session.ended_at_ms is not None or session.state == "completed" or not people:
            continue
        found.append(
            RunningSession(
                session_id=session.session_id,
                class_id=session.class_id,
                class_name=session.class_name,
                class_type=session.class_type,
                state=session.state,
                started_at_ms=session.started_at_ms,
                planned_duration_s=session.planned_duration_s,
                segments=session.segments,
                participants=[SeenParticipant(p, last_received_ms.get(p.member_id)) for p in people],
            )
        )
    return RunningSessions(device.scope, device.member_id, now_ms, found)
