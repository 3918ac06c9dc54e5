"""Where the stream's figures differ from those computed once more from stored history: there must be no such place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from pipelines.history import Reader, stored_alerts, stored_app_events, stored_members, stored_readings, stored_summary
from pipelines.result_rows import summary_json
from pipelines.steps.recompute import summarise
from schemas.directory import SessionRecord


@dataclass(frozen=True)
class Drift:
    """One figure that differs. Member 0: the class."""

    session_id: str
    member_id: int
    figure: str
    stored: Any
    recomputed: Any


def drift_of(reader: Reader, record: SessionRecord) -> list[Drift]:
    """All figures of a session that differ; none when it has no summary. Raises Unavailable."""
    session_id = record.session_id
    before = stored_summary(reader, session_id)
    if before is None:
        return []
    after = summarise(
        record,
        stored_readings(reader, session_id),
        stored_app_events(reader, session_id),
        revision=before.revision,
        late_events=before.late_events,
        alerts_by_member=stored_alerts(reader, session_id),
    )
    found = list(_of_class(session_id, msgspec.json.decode(before.summary), msgspec.json.decode(summary_json(after))))
    stored = {int(row["member_id"]): row for row in stored_members(reader, session_id)}
    made = {member.member_id: vars(member) for member in after.members}
    for member_id in sorted(stored.keys() | made.keys()):
        found += _of_member(session_id, member_id, stored.get(member_id), made.get(member_id))
    return found


def _of_class(session_id: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Drift]:
    for figure in sorted(before.keys() | after.keys()):
        if before.get(figure) != after.get(figure):
            yield Drift(session_id, 0, figure, before.get(figure), after.get(figure))


def _of_member(session_id: str, member_id: int, stored: dict[str, Any] | None, made: dict[str, Any] | None) -> Iterator[Drift]:
    if stored is None or made is None:
        yield Drift(session_id, member_id, "row", "present" if stored else "missing", "present" if made else "missing")
        return
    for figure, value in stored.items():
        shown = tuple(value) if isinstance(value, list) else value
        if shown != made[figure]:
            yield Drift(session_id, member_id, figure, shown, made[figure])
