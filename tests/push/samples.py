"""Small true messages for the push tests."""

from typing import Any

import orjson

from api.principal import Principal
from api.push.channels import iso
from api.push.frame import Frame
from schemas.alerts import Alert, AlertBody
from schemas.directory import Participant, SessionRecord
from schemas.events import CheckedIn, MarkerAdded, NoteAdded
from schemas.live import ClassMetrics, LiveUpdate
from schemas.messages import LiveMessage

SESSION = "0b0e7a1c-0000-4000-8000-000000000001"
OTHER_SESSION = "0b0e7a1c-0000-4000-8000-000000000002"
NOW_MS = 1_790_000_000_000
LATER_MS = NOW_MS + 10**9
TRAINER = Principal(3, "Tess", "trainer", LATER_MS, "sign-in-3")
MEMBER = Principal(17, "Mia", "member", LATER_MS, "sign-in-17")
STRANGER = Principal(99, "Sam", "member", LATER_MS, "sign-in-99")


def session(session_id: str = SESSION, members: tuple[int, ...] = (17, 18), **more: Any) -> SessionRecord:
    people = tuple(
        Participant(member_id=m, name=f"Member {m}", heart_rate_zone_floors_bpm=(95, 114, 133, 152, 171)) for m in members
    )
    started = more.pop("started_at_ms", NOW_MS)
    return SessionRecord(
        session_id=session_id, class_name="Spin", class_type="spin", started_at_ms=started, participants=people, **more
    )


def alert(number: int, member_id: int | None = 17, session_id: str = SESSION, **more: Any) -> Alert:
    fields: dict[str, Any] = {"version": 1, "state": "active", "raised_at_ms": NOW_MS + number, **more}
    return Alert(
        alert_id=f"alert-{number:08d}",
        session_id=session_id,
        class_id=1,
        member_id=member_id,
        member_name="Mia",
        rule="heart_rate_high",
        timestamp=iso(fields["raised_at_ms"]),
        updated_at_ms=NOW_MS + number,
        alert=AlertBody(severity="warning", message="High", metric="heart_rate_bpm", current=185, threshold=180),
        **fields,
    )


def marker(number: int, session_id: str = SESSION) -> MarkerAdded:
    return MarkerAdded(
        event_id=f"marker-{number:06d}", session_id=session_id, event_time_ms=NOW_MS + number, marker_type="interval"
    )


def check_in(number: int, member_id: int, session_id: str = SESSION) -> CheckedIn:
    return CheckedIn(event_id=f"checkin-{number:06d}", session_id=session_id, member_id=member_id, event_time_ms=NOW_MS)


def note(number: int, member_id: int | None, session_id: str = SESSION) -> NoteAdded:
    return NoteAdded(
        event_id=f"note-{number:06d}", session_id=session_id, member_id=member_id, event_time_ms=NOW_MS, text="knee"
    )


def message_to(*user_ids: int, number: int = 1, whole_class: bool = False, text: str = "Great pace!") -> LiveMessage:
    return LiveMessage(
        message_id=f"message-{number:06d}",
        session_id=SESSION,
        sent_at_ms=NOW_MS + number,
        sender_id=3,
        sender_name="Tess",
        sender_role="trainer",
        recipient_id=None if whole_class else user_ids[0],
        recipients=user_ids,
        text=text,
    )


def class_metrics(active: int, intensity: float | None = 5.0) -> ClassMetrics:
    return ClassMetrics(
        expected=active,
        active_members=active,
        attended=active,
        attendance_rate=1.0,
        avg_heart_rate_bpm=140.0,
        avg_intensity=intensity,
        avg_intensity_60s=intensity,
        intensity_distribution={"low": 0, "medium": active, "high": 0},
        zone_counts=(0, 0, active, 0, 0, 0),
    )


def keyframe(sequence: int, columns: dict[str, list[Any]], members: tuple[int, ...] = (17, 18), **more: Any) -> LiveUpdate:
    fields: dict[str, Any] = {
        "kind": "key",
        "rows": tuple(range(len(members))),
        "members": members,
        "names": tuple(f"Member {m}" for m in members),
        "session_state": "active",
        "session_id": SESSION,
        "received_time_ms": NOW_MS,
        "event_time_ms": NOW_MS + sequence * 1_000,
        **more,
    }
    return LiveUpdate(
        class_id=1,
        sequence=sequence,
        columns=columns,
        class_metrics=class_metrics(len(members)),
        **fields,
    )


def delta(sequence: int, rows: tuple[int, ...], columns: dict[str, list[Any]], **more: Any) -> LiveUpdate:
    return keyframe(sequence, columns, members=(), kind="delta", rows=rows, names=(), **more)


def read(frame: Frame) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(frame.text)
    return message


class OpenWire:
    """A socket that keeps what is written and takes as many messages as it has `room` for."""

    def __init__(self, room: int = 10**9) -> None:
        self.on_writable: Any = None
        self.room = room
        self.received: list[dict[str, Any]] = []
        self.code: int | None = None
        self.aborted = False

    @property
    def paused(self) -> bool:
        return self.room <= 0

    @property
    def closed(self) -> bool:
        return self.code is not None or self.aborted

    def write(self, frame: Frame) -> None:
        self.room -= 1
        self.received.append(read(frame))

    def finish(self, code: int, reason: str) -> None:
        self.code = code

    def abort(self) -> None:
        self.aborted = True

    def drain(self, room: int = 10**9) -> None:
        """The client reads again."""
        self.room = room
        if self.on_writable:
            self.on_writable()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.received if message["type"] == kind]


class Screen:
    """A client's picture of the metrics, painted strictly as docs/protocol.md says."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.members: list[int] = []
        self.columns: dict[str, list[Any]] = {}
        self.class_metrics: Any = None

    def take(self, message: dict[str, Any]) -> None:
        if message["kind"] == "key":
            self.members = message["members"]
            self.columns = {name: list(values) for name, values in message["columns"].items()}
        else:
            assert message["from"] == self.version, "a delta must start at the version that the client has"
            for name, values in message["columns"].items():
                column = self.columns.setdefault(name, [None] * len(self.members))
                for row, value in zip(message["rows"], values, strict=True):
                    column[row] = value
        self.version = message["version"]
        self.class_metrics = message["class_metrics"]
