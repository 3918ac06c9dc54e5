"""Which summaries late events have made wrong: the flow's memory of what must be computed anew."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from pipelines.correction_pace import CorrectionPace
from pipelines.history import ReadingPlace, place_of
from pipelines.messages import Rows
from schemas.directory import Participant, SessionRecord
from schemas.events import AppEvent, Reading

encode_people = msgspec.json.Encoder().encode
decode_people = msgspec.json.Decoder(tuple[Participant, ...]).decode


@dataclass(frozen=True)
class Wanted:
    """A summary to compute anew, and by what to see that all of its history is stored.

    Flow `store` keeps a partition's order, so when the newest event that this flow has seen is stored, all before it are.
    """

    record: SessionRecord
    late_events: int
    newest_reading: ReadingPlace | None
    newest_app_event: str | None
    newest_revision: int = 0
    """Of the summary rows handed on last: computing on top of an older one would tell the same revision twice."""
    people: tuple[Participant, ...] = ()
    """Everyone who took part, with the physiology their live totals rest on; empty: as the record has them."""


@dataclass(frozen=True)
class Corrected:
    """The answer to one request: rows to write (none: nothing changed), or when it must be asked again."""

    session_id: str
    rows: tuple[Rows, ...]
    revision: int = 0
    """Of the summary in these rows."""
    again_after_ms: int | None = None


class Desk(Protocol):
    """What this module needs of `pipelines.corrector.Corrector`."""

    def ask(self, wanted: Wanted) -> None: ...

    def answers(self) -> list[Corrected]: ...


class Corrections:
    """Remembers until the corrected rows are handed on, also through a crash: its state is part of every checkpoint."""

    def __init__(self, desk: Desk, state: dict[str, Any] | None) -> None:
        self._desk = desk
        found = state or {}
        self._late: dict[str, int] = dict(found.get("late", {}))
        places = found.get("newest_reading", {})
        self._newest_reading: dict[str, ReadingPlace] = {sid: (*place, 0)[:4] for sid, place in places.items()}
        self._newest_app_event: dict[str, str] = dict(found.get("newest_app_event", {}))
        self._people: dict[str, bytes] = dict(found.get("people", {}))
        self._revision: dict[str, int] = dict(found.get("revision", {}))
        self._wanted: dict[str, int] = dict.fromkeys(found.get("wanted", ()), 0)
        """Session → when to ask next, unless its pace says later."""
        self._pace = CorrectionPace(found.get("pace"))
        self._asked: set[str] = set()

    def snapshot(self) -> dict[str, Any]:
        return {
            "late": dict(self._late),
            "newest_reading": dict(self._newest_reading),
            "newest_app_event": dict(self._newest_app_event),
            "people": dict(self._people),
            "revision": dict(self._revision),
            "wanted": list(self._wanted),
            "pace": self._pace.stored(),
        }

    def saw_readings(self, readings: Sequence[Reading]) -> None:
        """Note the newest reading of every session, in the log's order; poses are not stored."""
        newest = {reading.session_id: reading for reading in readings if reading.type != "pose"}
        for session_id, reading in newest.items():
            self._newest_reading[session_id] = place_of(reading)

    def saw_app_events(self, events: Sequence[AppEvent]) -> None:
        for event in events:
            self._newest_app_event[event.session_id] = event.event_id

    def saw_late(self, session_ids: Iterable[str]) -> None:
        """Note a late reading of each of these sessions."""
        for session_id in session_ids:
            self._late[session_id] = self._late.get(session_id, 0) + 1

    def saw_people(self, session_id: str, people: tuple[Participant, ...]) -> None:
        """Note who took part in a session whose roster or zones changed while it ran: its record tells no longer."""
        self._people[session_id] = encode_people(people)

    def handed_on(self, session_id: str, revision: int) -> None:
        """Rows of a summary are on their way to the warehouse."""
        self._revision[session_id] = revision

    def had_late(self, session_id: str) -> bool:
        """Whether the live totals of this session lack something."""
        return session_id in self._late

    def may_repeat(self, session_id: str, now_ms: int) -> bool:
        """Whether a summary that was told may be told anew now."""
        return self._pace.is_due(session_id, now_ms)

    def repeated(self, session_id: str, now_ms: int) -> None:
        """A summary was told anew without being asked for here."""
        self._pace.computed(session_id, now_ms)

    def want(self, session_ids: Iterable[str]) -> None:
        """Compute these anew, as soon as their pace allows it."""
        for session_id in session_ids:
            self._wanted[session_id] = 0
            self._asked.discard(session_id)

    def work(self, now_ms: int, records: Mapping[str, SessionRecord]) -> list[Rows]:
        """Ask for what is due; rows of what has been finished."""
        rows: list[Rows] = []
        for answer in self._desk.answers():
            rows += answer.rows
            if answer.revision:
                self.handed_on(answer.session_id, answer.revision)
            if answer.again_after_ms is not None:
                self._wanted[answer.session_id] = now_ms + answer.again_after_ms
            else:
                self._pace.computed(answer.session_id, now_ms)
                if answer.session_id in self._asked:
                    self._wanted.pop(answer.session_id, None)
            self._asked.discard(answer.session_id)
        for session_id, at_ms in self._wanted.items():
            due = at_ms <= now_ms and self._pace.is_due(session_id, now_ms)
            if due and session_id not in self._asked and session_id in records:
                self._asked.add(session_id)
                self._desk.ask(self._request(records[session_id]))
        return rows

    def forget(self, knows: Callable[[str], bool]) -> None:
        """Drop what is kept about sessions that are over for good."""

        def over(session_id: str) -> bool:
            return session_id not in self._wanted and not knows(session_id)

        self._pace.forget(over)
        for kept in (self._late, self._newest_reading, self._newest_app_event, self._people, self._revision):
            for session_id in [found for found in kept if over(found)]:
                del kept[session_id]

    def _request(self, record: SessionRecord) -> Wanted:
        session_id = record.session_id
        return Wanted(
            record=record,
            late_events=self._late.get(session_id, 0),
            newest_reading=self._newest_reading.get(session_id),
            newest_app_event=self._newest_app_event.get(session_id),
            newest_revision=self._revision.get(session_id, 0),
            people=decode_people(self._people.get(session_id, b"[]")),
        )
