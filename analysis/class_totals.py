"""A recording as a class of one: sent as `paceline replay` sends it, summed up as the live flow does."""

from collections.abc import Iterator

import msgspec

from analysis.athlete import Athlete, participant
from ingest.parsers.recording import Recording
from ingest.recorded_events import Clockwork, Sender, recorded_events
from pipelines.steps.recompute import summarise
from pipelines.steps.results import MemberSummary
from schemas.directory import SessionRecord
from schemas.events import Reading, reading_decoder

SESSION_ID = "00000000-0000-7000-8000-000000000001"
_encoder = msgspec.json.Encoder()


def class_totals(recording: Recording, athlete: Athlete) -> MemberSummary:
    """The row of `member_summaries` that this recording would get in a class that lasts as long as it."""
    record = SessionRecord(
        session_id=SESSION_ID,
        class_name="recording",
        class_type="recording",
        state="completed",
        started_at_ms=recording.start_ms,
        ended_at_ms=recording.end_ms,
        participants=(participant(athlete),),
    )
    (member,) = summarise(record, _readings(recording), (), revision=1, late_events=0).members
    return member


def _readings(recording: Recording) -> Iterator[Reading]:
    """What the flow would read off the topic: encoded and decoded, so that ranges and rounding are the same."""
    sender = Sender(member_id=1, session_id=SESSION_ID)
    clockwork = Clockwork(recording.start_ms, recording.start_ms, 1, 0)
    for _due_s, events in recorded_events(recording, sender, clockwork):
        for event in events:
            stamped = msgspec.structs.replace(event, received_time_ms=event.event_time_ms)
            yield reading_decoder.decode(_encoder.encode(stamped))
