"""Tells the trainer, as a note in the running class, that a member's device has a wrong clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from infra.directory import Directory
from infra.telemetry.logs import logger
from ingest.gateway.clocks import ClockNews
from ingest.outcomes import SlowDown
from ingest.publisher import Publisher
from schemas.directory import SessionRecord
from schemas.events import NoteAdded

log = logger(__name__)
NOTE_TYPE = "device_clock"
SOURCE = "gateway"


@dataclass(frozen=True)
class ClockNotes:
    """Writes to `app-events`: the note is in the class's timeline, in its stored events, and for trainers only."""

    directory: Directory
    publisher: Publisher

    async def tell(self, news: Sequence[ClockNews], now_ms: int, patience_s: float) -> None:
        """A note for each clock whose member takes part in a class; while Kafka is slow only the log says it."""
        notes = [self._note(one, session, now_ms) for one in news if (session := self._session(one))]
        if not notes:
            return
        try:
            await self.publisher.publish_app(notes, patience_s=patience_s)
        except SlowDown as slow:
            log.warning("clock_note_left_out", notes=len(notes), why=slow.problem)

    def _session(self, news: ClockNews) -> SessionRecord | None:
        named = self.directory.sessions.get(news.session_id or "")
        return named or self.directory.session_at(news.member_id, news.event_time_ms)

    def _note(self, news: ClockNews, session: SessionRecord, now_ms: int) -> NoteAdded:
        names = {person.member_id: person.name for person in session.participants}
        device = sha256(f"{news.member_id}:{news.device_id}".encode()).hexdigest()[:12]
        return NoteAdded(
            event_id=f"clock-{device}-{now_ms}",
            session_id=session.session_id,
            class_id=session.class_id,
            member_id=news.member_id,
            source=SOURCE,
            device_id=news.device_id,
            event_time_ms=now_ms,
            text=clock_words(names.get(news.member_id, f"Member {news.member_id}"), news.device_id, news.offset_ms),
            note_type=NOTE_TYPE,
        )


def clock_words(name: str, device_id: str, offset_ms: int) -> str:
    """The sentence for the trainer."""
    if not offset_ms:
        return f"{name}: {device_id} is on time again."
    minutes, seconds = divmod(round(abs(offset_ms) / 1000), 60)
    much = " ".join(part for part in (f"{minutes} min" if minutes else "", f"{seconds} s" if seconds else "") if part)
    if offset_ms > 0:
        return f"{name}: values of {device_id} come {much} late: its clock is slow, or its hub is behind."
    return f"{name}: the clock of {device_id} is {much} ahead; its times are corrected from now on."
