"""What flow `live` does with a batch and with time: the shard's numbers, alerts and summaries, each to where it belongs."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from infra.clock import Clock
from infra.telemetry.metrics import ALERTS_RAISED, FLOW_BATCH_SECONDS, FLOW_EVENTS, FLOW_LAG_SECONDS
from pipelines.class_news import ClassNews
from pipelines.corrections import Corrections
from pipelines.decoding import Decoded, Letters, decode_app_events, halved, isolate, refuse_unprocessable
from pipelines.intake import Intake
from pipelines.known_alerts import KnownAlerts
from pipelines.messages import Batch, Output, Publish, Rows
from pipelines.packing import packed
from pipelines.progress import Progress
from pipelines.result_rows import alert_rows, minute_rows, summary_rows
from pipelines.sessions import Sessions
from pipelines.steps.shard import LiveShard
from schemas.directory import SessionRecord
from schemas.events import AppEvent, Reading
from schemas.synthetic import picture_of
from schemas.topics import ALERTS, DEVICE_EVENTS, LIVE, session_key

PUBLISH_EVERY_MS = 24
"""At most so often: what comes after a silence is shown at once, what comes before this is over waits for its end."""
PUBLISH_MEMBERS, PUBLISH_MEMBERS_PER_MS = 5_000, 50
"""With more members pictures come less often: that shows more at once and leaves time for events."""
PUBLISH_SHARE, PUBLISH_REST_MS = 8, 60
"""Pictures take an eighth of the time at most: where they are dear, or the machine is busy, each shows more."""
BEHIND_PUBLISH_MS = (500, 5_000)
BEHIND_PUBLISH_SHARE = 40
"""While the flow catches up, what it could show is past anyway: fewer pictures, which take a 40th of the time at most."""
PICTURE_ROWS = 600
"""Of so many rows pictures are made between two batches, some milliseconds: nobody's event waits for everybody's picture."""
ROW_MS = 0.01
"""About what a row of a picture takes."""
TICK_MS = 1_000
FORGET_EVERY_TICKS = 60
STATE_VERSION = 1
encode = msgspec.json.Encoder().encode


class LiveGroup:
    """One group of partitions. `news` is filled by the directory's thread; everything else belongs to the flow's thread."""

    def __init__(
        self,
        *,
        shard: LiveShard,
        corrections: Corrections,
        known_alerts: KnownAlerts,
        sessions: Sessions,
        news: deque[SessionRecord],
        letters: Letters,
        progress: Progress,
        lag_label: str,
        clock: Clock,
    ) -> None:
        self._shard = shard
        self._corrections = corrections
        self._known_alerts = known_alerts
        self._told_before = known_alerts.newest()
        shard.recall(self._told_before)
        self._sessions = sessions
        self._news = news
        self._letters = letters
        self._class_news = ClassNews(shard, sessions)
        self._intake = Intake(shard, sessions, self._class_news, letters)
        self._progress = progress
        self._clock = clock
        self._tick_at_ms = 0
        self._publish_at_ms: int | None = None
        self._published_ms = 0
        self._pictures_took_ms = 0
        self._ticks = 0
        self._synthetic: list[Reading] = []
        self._exits = {name: FLOW_EVENTS.labels("live", name) for name in ("kept", "late", "outside", "synthetic")}
        self._seconds = FLOW_BATCH_SECONDS.labels("live")
        self._lag_seconds = FLOW_LAG_SECONDS.labels("live", lag_label)
        for record in sessions.records.values():
            self._class_news.hear(record)

    def take(self, batch: Batch) -> list[Output]:
        """Take a batch in; what must get out at once: alerts, summaries, dead letters."""
        if not batch.messages:
            return []
        with self._seconds.time():
            self._hear_news()
            if batch.topic == DEVICE_EVENTS.name:
                self._take_readings(batch)
            else:
                self._take_app_events(batch)
            if self._publish_at_ms is None:
                self._publish_at_ms = self._next_picture_ms(self._clock())
            return [*self._alerts(), *self._summaries(), *self._letters.take()]

    def wake(self, now_ms: int) -> list[Output]:
        """Do one thing that is due: publish changes, or once a second everything that depends on the time of day."""
        caught_up = self._progress.caught_up(now_ms)
        if now_ms >= self._tick_at_ms:
            self._tick_at_ms = now_ms + TICK_MS
            if caught_up or self._publish_at_ms is None:  # next, but not in one go: a batch may have come meanwhile
                self._publish_at_ms = now_ms
            return self._tick(now_ms)
        if self._publish_at_ms is None or now_ms < self._publish_at_ms:
            return []
        if not self._shard.live_left:
            self._published_ms, self._pictures_took_ms = now_ms, 0
        outputs = self._pictures(now_ms, PICTURE_ROWS if caught_up else None)
        self._pictures_took_ms += self._clock() - now_ms
        self._publish_at_ms = now_ms if self._shard.live_left else None
        return outputs

    def next_wake_ms(self) -> int:
        return self._tick_at_ms if self._publish_at_ms is None else min(self._tick_at_ms, self._publish_at_ms)

    def finish(self) -> list[Output]:
        """The last changes, before the process stops."""
        return self._pictures(self._clock(), None)

    def snapshot(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "shard": packed(self._shard.snapshot()),
            "corrections": self._corrections.snapshot(),
            "alert_shifts": dict(self._known_alerts.shifts),
            "saved_ms": self._clock(),
        }

    def _take_readings(self, batch: Batch) -> None:
        arrived = self._intake.take(batch.messages)
        self._exits["outside"].inc(arrived.outside)
        self._exits["synthetic"].inc(len(arrived.synthetic))
        self._synthetic += arrived.synthetic
        late: list[str] = []

        def process(part: slice) -> None:
            events = arrived.batch if part == slice(0, len(arrived.batch)) else arrived.batch.part(np.r_[part])
            late.extend(arrived.reading(part.start + at).session_id for at in np.flatnonzero(self._shard.take(events)).tolist())

        def refuse(at: int, fault: Exception) -> None:
            refuse_unprocessable(arrived.messages[at], arrived.reading(at).event_id, fault, self._letters)

        processed = halved(len(arrived.batch), process, refuse)
        if len(arrived.batch):
            self._corrections.saw_readings(arrived.newest(self._shard))
            self._lag_seconds.set((self._clock() - int(arrived.batch.at_ms[-1])) / 1_000)
        taken, late_strangers = self._take_strangers(arrived.strangers)
        late += late_strangers
        self._corrections.saw_late(late)
        self._exits["kept"].inc(processed + taken - len(late))
        self._exits["late"].inc(len(late))

    def _take_strangers(self, strangers: Decoded[Reading]) -> tuple[int, list[str]]:
        """Who has just joined the roster is known once the directory is read on. How many were taken; sessions of late ones."""
        if not strangers.events:
            return 0, []
        self._corrections.saw_readings(strangers.events)
        late = [reading.session_id for reading in self._shard.readings(strangers.events)]
        unplaced = self._shard.take_rejected()
        if unplaced:
            self._sessions.catch_up()
            self._hear_news()
            late += [reading.session_id for reading in self._shard.readings([reading for reading, _reason in unplaced])]
        return len(strangers.events) - self._refuse_strangers(strangers), late

    def _refuse_strangers(self, strangers: Decoded[Reading]) -> int:
        rejected = self._shard.take_rejected()
        messages = {id(reading): message for reading, message in zip(strangers.events, strangers.messages, strict=True)}
        for reading, reason in rejected:
            detail = f"member_id: {reading.member_id} does not take part in session {reading.session_id}"
            self._letters.write(messages[id(reading)], reason, detail)
        return len(rejected)

    def _take_app_events(self, batch: Batch) -> None:
        known = self._sessions.refuse_unknown(decode_app_events(batch.messages, self._letters), self._letters)
        self._class_news.introduce(known.session_ids)

        def process(events: Sequence[AppEvent]) -> None:
            self._shard.app_events(events)
            self._corrections.saw_app_events(events)

        self._exits["kept"].inc(isolate(known, process, self._letters))

    def _hear_news(self) -> None:
        while self._news:
            self._class_news.hear(self._news.popleft())

    def _tick(self, now_ms: int) -> list[Output]:
        self._hear_news()
        caught_up = self._progress.caught_up(now_ms)
        if caught_up:
            self._class_news.tell_old_ends(now_ms)
        self._shard.tick(now_ms, caught_up)
        outputs: list[Output] = [*alert_rows(self._told_before), *self._alerts(), *self._summaries()]
        self._told_before = []  # told, but perhaps not stored, when the process before this one died
        outputs += minute_rows(self._shard.take_minutes())
        self._corrections.want(self._shard.take_recomputations(now_ms))
        outputs += self._corrections.work(now_ms, self._sessions.records)
        self._ticks += 1
        if self._ticks % FORGET_EVERY_TICKS == 0:
            self._corrections.forget(self._shard.knows)
        return outputs

    def _next_picture_ms(self, now_ms: int) -> int:
        """When to show what has just changed: a flow that sees the present hurries."""
        if not self._progress.caught_up(now_ms):
            return now_ms + self._patience_ms()
        more_ms = max(0, self._shard.members - PUBLISH_MEMBERS) // PUBLISH_MEMBERS_PER_MS
        rest_ms = min(PUBLISH_SHARE * self._pictures_took_ms, PUBLISH_REST_MS)
        return max(now_ms, self._published_ms + max(PUBLISH_EVERY_MS + more_ms, rest_ms))

    def _patience_ms(self) -> int:
        """How long a flow that is behind lets its readers wait for a picture."""
        least_ms, most_ms = BEHIND_PUBLISH_MS
        return min(max(least_ms, round(BEHIND_PUBLISH_SHARE * ROW_MS * self._shard.members)), most_ms)

    def _pictures(self, now_ms: int, most: int | None) -> list[Output]:
        updates = self._shard.take_live(now_ms, most)
        if not self._shard.live_left:  # the synthetic member waits for its picture as long as the last member does
            updates += [picture_of(reading) for reading in self._synthetic]
            self._synthetic = []
        return [Publish(LIVE.name, session_key(u.session_id), encode(u)) for u in updates]

    def _alerts(self) -> list[Output]:
        judged = [self._known_alerts.judge(alert) for alert in self._shard.take_alerts()]
        news = [alert for alert, is_news in judged if is_news]
        for alert in news:
            if alert.version == 1:
                ALERTS_RAISED.labels(alert.rule).inc()
        messages = [Publish(ALERTS.name, session_key(alert.session_id), encode(alert)) for alert in news]
        return [*messages, *alert_rows([alert for alert, _is_news in judged])]

    def _summaries(self) -> list[Rows]:
        """First summaries are written as they are; later ones of a session that had late events are computed from history."""
        rows: list[Rows] = []
        now_ms = self._clock()
        for summary in self._shard.take_summaries(lambda session_id: self._corrections.may_repeat(session_id, now_ms)):
            self._note_people(summary.session_id)
            if summary.revision > 1 and self._corrections.had_late(summary.session_id):
                self._corrections.want([summary.session_id])
            else:
                rows += summary_rows(summary)
                self._corrections.handed_on(summary.session_id, summary.revision)
                if summary.revision > 1:
                    self._corrections.repeated(summary.session_id, now_ms)
        return rows

    def _note_people(self, session_id: str) -> None:
        record, people = self._sessions.records.get(session_id), self._shard.people(session_id)
        if record is not None and people != record.participants:
            self._corrections.saw_people(session_id, people)
