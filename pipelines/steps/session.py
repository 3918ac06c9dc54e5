"""One running session as the shard keeps it: the record, its people's rows, its clock and what was last told of it."""

import zlib
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

import msgspec
from msgspec.structs import replace

from schemas.directory import Participant, SessionRecord
from schemas.events import AppEvent, SessionPaused, SessionResumed


@dataclass
class Session:
    """Plain values only, so that a snapshot is a dict of them."""

    record: SessionRecord
    rows: dict[int, int]
    """Member id → row of the grid, in the order of display."""
    people: dict[int, Participant]
    """Everyone who ever was on the roster: physiology as first known, name and limits as last known."""
    ended_at_ms: int | None = None
    pauses: dict[int, bool] = field(default_factory=dict)
    """Event time → paused from then on."""
    revision: int = 0
    """Of the summary last told."""
    summary_due: bool = False
    touched_ms: int = 0
    """Processing time of the last reading after the end."""
    late_events: int = 0
    recompute_due: bool = False
    alerts_by_member: dict[int, int] = field(default_factory=dict)
    """Alerts raised so far; 0 stands for the class."""
    packed: bytes | None = None
    """Record and people as the last snapshot had them; none after news. Written anew every time, they were half of its cost."""

    @property
    def class_id(self) -> int:
        return self.record.class_id or 0

    @property
    def started_s(self) -> int:
        return self.record.started_at_ms // 1000

    @property
    def state(self) -> str:
        if self.ended_at_ms is not None:
            return "completed"
        if not self.pauses:
            return self.record.state
        return "paused" if self.pauses[max(self.pauses)] else "active"

    def paused_at(self, at_ms: int) -> bool:
        """Whether the class stood still at that moment."""
        before = [moment for moment in self.pauses if moment <= at_ms]
        if before:
            return self.pauses[max(before)]
        return self.record.state == "paused" and not self.pauses

    def clock_s(self, at_ms: int) -> float:
        """Seconds on the class clock at that moment: it stands still while the class is paused."""
        stood_ms, since_ms = 0, None
        for moment in sorted(moment for moment in self.pauses if moment <= at_ms) if self.pauses else ():
            if since_ms is not None:
                stood_ms += moment - since_ms
            since_ms = moment if self.pauses[moment] else None
        if since_ms is not None:
            stood_ms += at_ms - since_ms
        return at_ms / 1000 - self.started_s - stood_ms / 1000

    def hear_pause(self, event: AppEvent) -> None:
        """A pause or its end; events may come in any order and again."""
        if isinstance(event, SessionPaused | SessionResumed):
            self.pauses[event.event_time_ms] = isinstance(event, SessionPaused)

    def adopt(self, record: SessionRecord) -> list[Participant]:
        """Take news of the session in; returns those who joined.

        Bodies and start are frozen at first sight, because totals already rest on them; limits, names, roster and end are not.
        """
        joined = []
        for member in record.participants:
            known = self.people.get(member.member_id)
            if known is None:
                joined.append(member)
            self.people[member.member_id] = replace(known, name=member.name, limits=member.limits) if known else member
        participants = tuple(self.people[member.member_id] for member in record.participants)
        self.record = replace(record, started_at_ms=self.record.started_at_ms, participants=participants)
        self.packed = None
        return joined

    def stored(self) -> dict[str, Any]:
        """For a snapshot."""
        values = vars(self)
        plain = {name: dict(value) if isinstance(value := values[name], dict) else value for name in PLAIN}
        if self.packed is None:
            everyone = replace(self.record, participants=tuple(self.people.values()))
            self.packed = zlib.compress(msgspec.json.encode(everyone), 1)
        return plain | {
            "record": self.packed,
            "roster": [member.member_id for member in self.record.participants],
        }

    @classmethod
    def of_stored(cls, stored: dict[str, Any]) -> Self:
        """The session that `stored` described."""
        everyone = msgspec.json.decode(_unpacked(stored["record"]), type=SessionRecord)
        people = {member.member_id: member for member in everyone.participants}
        record = replace(everyone, participants=tuple(people[member_id] for member_id in stored["roster"]))
        session = cls(record=record, rows={}, people=people)
        for name in stored.keys() - {"record", "roster"}:
            setattr(session, name, dict(stored[name]) if isinstance(stored[name], dict) else stored[name])
        return session


def _unpacked(record: bytes) -> bytes:
    """Snapshots of earlier programs have the record as it is."""
    return record if record.startswith(b"{") else zlib.decompress(record)


PLAIN: Final = tuple(kept.name for kept in fields(Session) if kept.name not in {"record", "people", "packed"})
"""What a snapshot has as it is."""
