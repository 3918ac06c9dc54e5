"""Computes summaries anew from stored history, on a thread beside the flow."""

import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from infra.errors import Unavailable
from infra.telemetry.logs import logger
from pipelines.corrections import Corrected, Wanted
from pipelines.history import (
    Reader,
    is_stored,
    stored_alerts,
    stored_app_events,
    stored_members,
    stored_readings,
    stored_summary,
)
from pipelines.result_rows import correction_rows, summary_json, summary_rows
from pipelines.steps.recompute import summarise
from pipelines.steps.results import SessionSummary

log = logger(__name__)
NOT_YET_MS = 1_000
FAILED_MS = 60_000


class Corrector:
    """Takes requests, one after the other; answers are fetched by the flow. Asking twice is harmless."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._asked: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self._answers: deque[Corrected] = deque()
        self._thread = threading.Thread(target=self._run, name="corrector", daemon=True)
        self._thread.start()

    def ask(self, wanted: Wanted) -> None:
        """Compute this one when it is its turn."""
        self._asked.put(wanted)

    def answers(self) -> list[Corrected]:
        """What has been finished since the last call."""
        return [self._answers.popleft() for _ in range(len(self._answers))]

    def close(self) -> None:
        """Stop after the request in work, at the latest with the process."""
        self._asked.put(None)

    def _run(self) -> None:
        reader = self._open_reader()
        while wanted := self._asked.get():
            self._answers.append(_answer(reader, wanted))


def _answer(reader: Reader, wanted: Wanted) -> Corrected:
    session_id = wanted.record.session_id
    try:
        return correct(reader, wanted)
    except Unavailable as failure:
        log.warning("correction_waits", session_id=session_id, failure=failure.problem)
        return Corrected(session_id, (), again_after_ms=NOT_YET_MS)
    except Exception:  # noqa: BLE001 - whatever it stumbles over, the thread must go on with the others
        log.error("correction_failed", session_id=session_id, trace=traceback.format_exc(limit=-4))
        return Corrected(session_id, (), again_after_ms=FAILED_MS)


def correct(reader: Reader, wanted: Wanted) -> Corrected:
    """Rows of the next revision, without any when it would change nothing; again later while something is not stored yet.

    Repeated after a crash it finds its own revision already stored and changes nothing.
    """
    session_id = wanted.record.session_id
    not_yet = Corrected(session_id, (), again_after_ms=NOT_YET_MS)
    before = stored_summary(reader, session_id)
    if before is None or before.revision < wanted.newest_revision:
        return not_yet
    if wanted.newest_reading and not is_stored(reader, session_id, wanted.newest_reading):
        return not_yet
    app_events = stored_app_events(reader, session_id)
    if wanted.newest_app_event and wanted.newest_app_event not in {event.event_id for event in app_events}:
        return not_yet
    readings = stored_readings(reader, session_id)
    late_events = max(wanted.late_events, before.late_events)
    alerts = stored_alerts(reader, session_id)
    after = summarise(
        wanted.record,
        readings,
        app_events,
        before.revision + 1,
        late_events,
        alerts_by_member=alerts,
        people=wanted.people,
    )
    same = late_events == before.late_events and summary_json(after) == before.summary
    if same and _as_stored(after, stored_members(reader, session_id)):
        return Corrected(session_id, ())
    log.info("summary_corrected", session_id=session_id, revision=after.revision, late_events=late_events)
    reason = _reason(late_events - before.late_events)
    rows = (*summary_rows(after), *correction_rows(after, before.summary, reason))
    return Corrected(session_id, rows, after.revision)


def _as_stored(summary: SessionSummary, stored: list[dict[str, Any]]) -> bool:
    """Whether the members' rows are those stored, figure by figure."""
    rows = sorted(summary.members, key=lambda member: member.member_id)
    return len(rows) == len(stored) and all(
        (tuple(value) if name == "zone_s" else value) == getattr(row, name)
        for row, figures in zip(rows, stored, strict=True)
        for name, value in figures.items()
    )


def _reason(more: int) -> str:
    return f"{more} events came more than 60 s behind their member's newest second" if more else "computed from all events"
