"""A session's summary out of its stored events: the live shard once more, over history in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec.structs import replace as msgspec_replace

from pipelines.steps.minutes import REVISIONS
from pipelines.steps.results import SessionSummary
from pipelines.steps.shard import LiveShard
from schemas.directory import Participant, SessionRecord
from schemas.events import AppEvent, Reading, SessionEnded

AT_ONCE: Final = 5_000


def summarise(
    record: SessionRecord,
    readings: Iterable[Reading],
    app_events: Sequence[AppEvent],
    revision: int,
    late_events: int,
    *,
    alerts_by_member: Mapping[int, int] | None = None,
    people: Sequence[Participant] = (),
) -> SessionSummary:
    """The summary of an ended session with all its minutes, each newer than what was written live; late readings are in place.

    Live equals final because both are the same folding of the same seconds. `alerts_by_member` (0: the class) are the alerts
    that were raised; without it those are counted that history would raise: signals lost in real time are not among them.
    `people` are all who took part, with the bodies that the live totals rest on, where the record does not tell them any more.
    """
    shard = LiveShard.restore(None)
    everyone = tuple(people) or record.participants
    shard.put_session(msgspec_replace(record, state="active", ended_at_ms=None, participants=everyone))
    shard.app_events([event for event in app_events if not isinstance(event, SessionEnded)])
    ordered = sorted(readings, key=lambda reading: reading.event_time_ms)
    for begin in range(0, len(ordered), AT_ONCE):
        shard.readings(ordered[begin : begin + AT_ONCE])
    shard.put_session(record)
    shard.app_events([event for event in app_events if isinstance(event, SessionEnded)])
    summary = shard.final_summary(
        record.session_id,
        revision=revision,
        late_events=late_events,
        computed_from="telemetry_raw",
        alerts=alerts_by_member,
    )
    version = (summary.ended_at // 1000 + 1) * REVISIONS + revision
    minutes = (replace(minute, version=version) for minute in shard.all_minutes(record.session_id))
    return replace(summary, minutes=tuple(minutes))
