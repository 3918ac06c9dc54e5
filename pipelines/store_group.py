"""What flow `store` does with a batch: rows as they came, rows by the second, and the events of people."""

from collections.abc import Sequence

from infra.telemetry.metrics import FLOW_BATCH_SECONDS, FLOW_EVENTS
from pipelines.decoding import Letters, decode_app_events, decode_readings, isolate, without_synthetic
from pipelines.messages import Batch, Output, Rows
from pipelines.sessions import Sessions
from pipelines.telemetry_rows import app_event_rows, by_type, raw_rows, second_rows
from schemas.events import AppEvent, Reading
from schemas.tables import APP_EVENTS, TELEMETRY_1S, TELEMETRY_RAW
from schemas.topics import DEVICE_EVENTS


class StoreGroup:
    """Without memory: the same messages always make the same rows, whatever batches they come in."""

    def __init__(self, sessions: Sessions, letters: Letters) -> None:
        self._sessions = sessions
        self._letters = letters
        self._kept = FLOW_EVENTS.labels("store", "kept")
        self._synthetic = FLOW_EVENTS.labels("store", "synthetic")
        self._seconds = FLOW_BATCH_SECONDS.labels("store")

    def take(self, batch: Batch) -> list[Output]:
        """Rows and dead letters of one batch."""
        if not batch.messages:
            return []
        with self._seconds.time():
            rows = self._device_rows(batch) if batch.topic == DEVICE_EVENTS.name else self._app_rows(batch)
        return [*(part for part in rows if part.rows.num_rows), *self._letters.take()]

    def _device_rows(self, batch: Batch) -> list[Rows]:
        measured, synthetic = without_synthetic(decode_readings(batch.messages, self._letters))
        self._synthetic.inc(len(synthetic))
        decoded = self._sessions.refuse_unknown(measured, self._letters)
        class_ids = self._class_ids(decoded.session_ids)
        made: list[Rows] = []

        def process(readings: Sequence[Reading]) -> None:
            apart = by_type(readings)
            made.extend((Rows(TELEMETRY_RAW, raw_rows(apart)), Rows(TELEMETRY_1S, second_rows(apart, class_ids))))

        self._kept.inc(isolate(decoded, process, self._letters))
        return made

    def _app_rows(self, batch: Batch) -> list[Rows]:
        decoded = self._sessions.refuse_unknown(decode_app_events(batch.messages, self._letters), self._letters)
        bodies = {event.event_id: message.value() for event, message in zip(decoded.events, decoded.messages, strict=True)}
        made: list[Rows] = []

        def process(events: Sequence[AppEvent]) -> None:
            rows = app_event_rows(events, [bodies[event.event_id] for event in events])
            made.append(Rows(APP_EVENTS, rows))

        self._kept.inc(isolate(decoded, process, self._letters))
        return made

    def _class_ids(self, asked: set[str]) -> dict[str, int]:
        records = self._sessions.records
        return {session_id: records[session_id].class_id or 0 for session_id in asked if session_id in records}
