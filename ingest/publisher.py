"""The only door to the raw topics: check, stamp, key, publish idempotently, confirm.

Every event leaves by one exit: accepted (Kafka has acknowledged it), doubled (its id was published before) or rejected, and
is counted there once. While Kafka is slow an event stays on its way; the same event sent again then joins the
first one instead of being published a second time.
"""

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from infra.acknowledging_producer import AcknowledgingProducer, Sending
from infra.clock import Clock
from infra.directory import Directory
from infra.settings import Settings
from infra.telemetry.metrics import (
    EVENTS_ACCEPTED,
    EVENTS_DOUBLED,
    EVENTS_REJECTED,
    PUBLISH_IN_FLIGHT,
    PUBLISH_SECONDS,
)
from ingest.outcomes import ACCEPTED, DOUBLED, UNCONFIRMED, Outcome, SlowDown, rejected
from ingest.recent_events import EventKey, RecentEvents
from schemas.events import NO_SESSION, AppEvent, DeviceEvent, app_event_decoder, device_event_decoder
from schemas.ranges import LATEST_AHEAD_MS, OLDEST_MS
from schemas.synthetic import SYNTHETIC_MEMBER_ID, SYNTHETIC_SESSION_SET
from schemas.topics import APP_EVENTS, DEVICE_EVENTS, Topic, session_key

IN_FLIGHT_EVENTS_MAX = 20_000
IN_FLIGHT_BYTES_MAX = 64 * 1_048_576
PATIENCE_S = 10.0
"""How long a sender waits for Kafka's acknowledgement before it is told to come again."""
HISTORY_OLDEST_MS = 730 * 24 * 3_600_000
"""Imported history may be this old: what the warehouse keeps of seconds."""

NOT_STORED = rejected("not_stored", "Kafka did not take it; send it again")
Stamped = tuple[EventKey, bytes, bytes]
"""What names the event, its partition key and its bytes as they are published; the last two are empty when it is refused."""

encode = msgspec.json.Encoder().encode


class Publisher:
    """For one event loop. Without a `directory` it takes app events only. `door` labels its metrics."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory | None = None,
        *,
        door: str = "publisher",
        in_flight_max: int = IN_FLIGHT_EVENTS_MAX,
    ) -> None:
        self.producer = AcknowledgingProducer(settings)
        self._clock = clock
        self._directory = directory
        self._door = door
        self._in_flight_max = in_flight_max
        self._recent = RecentEvents()
        self._in_flight_events = 0
        self._in_flight_bytes = 0
        self._accepted = EVENTS_ACCEPTED.labels(door)
        self._doubled = EVENTS_DOUBLED.labels(door)
        self._not_stored = EVENTS_REJECTED.labels(door, NOT_STORED.reason)

    async def publish_device(
        self, events: Sequence[DeviceEvent], *, history: bool = False, patience_s: float = PATIENCE_S
    ) -> list[Outcome]:
        """Publish device events, of whatever making; the outcomes are in their order.

        Raises SlowDown, before anything is taken, while too much is on its way.
        """
        faults: dict[int, Outcome] = {}
        for index, event in enumerate(events):
            try:
                device_event_decoder.decode(encode(event))
            except (msgspec.ValidationError, TypeError) as fault:
                faults[index] = rejected("invalid", str(fault))
        return await self._publish_checked(events, faults, history=history, patience_s=patience_s)

    async def publish_decoded(
        self, events: Sequence[DeviceEvent], *, history: bool = False, patience_s: float = PATIENCE_S
    ) -> list[Outcome]:
        """The same for events that `device_event_decoder` made, whose types and ranges are therefore right."""
        return await self._publish_checked(events, {}, history=history, patience_s=patience_s)

    async def publish_app(self, events: Sequence[AppEvent], *, patience_s: float = PATIENCE_S) -> list[Outcome]:
        """Publish app events; their session must be in `directory` already, which is the caller's to see to."""
        now_ms = self._clock()
        outcomes: list[Outcome | None] = []
        stamped: list[Stamped] = []
        for event in events:
            value = encode(replace(event, received_time_ms=now_ms))
            try:
                app_event_decoder.decode(value)
                outcomes.append(None)
            except msgspec.ValidationError as fault:
                outcomes.append(rejected("invalid", str(fault)))
            stamped.append(((0, event.event_id), session_key(event.session_id), value))
        return await self._publish(APP_EVENTS, stamped, outcomes, now_ms, patience_s)

    async def _publish_checked(
        self, events: Sequence[DeviceEvent], faults: dict[int, Outcome], *, history: bool, patience_s: float
    ) -> list[Outcome]:
        now_ms = self._clock()
        oldest_ms = now_ms - (HISTORY_OLDEST_MS if history else OLDEST_MS)
        session_id = None if faults else self._session_of_all(events, oldest_ms, now_ms)
        if session_id is not None:
            return await self._publish(DEVICE_EVENTS, _stamp_alike(events, session_id, now_ms), [], now_ms, patience_s)
        outcomes: list[Outcome | None] = []
        stamped: list[Stamped] = []
        for index, event in enumerate(events):
            found = faults.get(index) or _synthetic_session(event) or self._session_of(event, oldest_ms, now_ms)
            if isinstance(found, Outcome):
                outcomes.append(found)
                stamped.append(((event.member_id, event.event_id), b"", b""))
                continue
            outcomes.append(None)
            value = encode(replace(event, session_id=found, received_time_ms=now_ms))
            stamped.append(((event.member_id, event.event_id), session_key(found, event.member_id), value))
        return await self._publish(DEVICE_EVENTS, stamped, outcomes, now_ms, patience_s)

    def _session_of_all(self, events: Sequence[DeviceEvent], oldest_ms: int, now_ms: int) -> str | None:
        """The session that all these events name, when all may: what `_session_of` says of each. None: ask it."""
        named = {event.session_id for event in events}
        session_id = named.pop() if len(named) == 1 else None
        if session_id is None or session_id == NO_SESSION or self._directory is None:
            return None
        times_ms = [event.event_time_ms for event in events]
        if min(times_ms) < oldest_ms or max(times_ms) > now_ms + LATEST_AHEAD_MS:
            return None
        return session_id if self._directory.all_take_part({event.member_id for event in events}, session_id) else None

    def _session_of(self, event: DeviceEvent, oldest_ms: int, now_ms: int) -> str | Outcome:
        """The session that the event belongs to, or why it is refused."""
        directory = self._directory
        if directory is None:
            raise TypeError("this Publisher was made without a directory: it takes app events only")
        if not oldest_ms <= event.event_time_ms <= now_ms + LATEST_AHEAD_MS:
            return _out_of_time(event.event_time_ms, now_ms)
        member = directory.members.get(event.member_id)
        if member is None or not member.active:
            return rejected("unknown_member", f"there is no active member {event.member_id}")
        if event.session_id is None or event.session_id == NO_SESSION:
            session = directory.session_at(event.member_id, event.event_time_ms)
            return session.session_id if session else NO_SESSION
        session = directory.sessions.get(event.session_id)
        if session is None:
            return rejected("unknown_session", f"there is no session {event.session_id}")
        if not directory.takes_part(event.member_id, event.session_id):
            return rejected("not_a_participant", f"member {event.member_id} is not on the roster of {event.session_id}")
        return session.session_id

    async def _publish(
        self, topic: Topic, stamped: Sequence[Stamped], outcomes: list[Outcome | None], now_ms: int, patience_s: float
    ) -> list[Outcome]:
        """Publish what has no outcome yet and was not published before; wait for everything that is on its way.

        No `outcomes` at all: no event has one yet.
        """
        self._refuse_when_full(stamped, now_ms)
        keys = [key for key, _partition_key, _value in stamped]
        if keys and not any(outcomes) and len(set(keys)) == len(keys) and self._recent.none_of(keys):
            return await self._publish_new(topic, stamped, keys, now_ms, patience_s)
        outcomes = outcomes or [None] * len(stamped)
        first: dict[EventKey, int] = {}
        for index, (key, _partition_key, _value) in enumerate(stamped):
            if outcomes[index] is None and key not in first and self._recent.find(key) is None:
                first[key] = index
        if first:
            self._send(topic, [stamped[index] for index in first.values()], list(first), now_ms)
        carriers = [outcomes[index] or self._recent.find(stamped[index][0]) for index in range(len(stamped))]
        waiting = {carrier.settled for carrier in carriers if isinstance(carrier, Sending) and not carrier.settled.done()}
        if waiting:
            await asyncio.wait(waiting, timeout=patience_s)
        return [
            self._exit(carrier, key, is_first=first.get(key) == index)
            for index, (carrier, (key, _partition_key, _value)) in enumerate(zip(carriers, stamped, strict=True))
        ]

    async def _publish_new(
        self, topic: Topic, stamped: Sequence[Stamped], keys: Sequence[EventKey], now_ms: int, patience_s: float
    ) -> list[Outcome]:
        """The same when nothing of it was refused or published before, as is usual: all of it is one batch."""
        sending = self._send(topic, stamped, keys, now_ms)
        await asyncio.wait((sending.settled,), timeout=patience_s)
        if not sending.settled.done():
            return [UNCONFIRMED] * len(keys)
        return [NOT_STORED if key in sending.faults else ACCEPTED for key in keys] if sending.faults else [ACCEPTED] * len(keys)

    def _refuse_when_full(self, stamped: Sequence[Stamped], now_ms: int) -> None:
        size = sum(len(value) for _key, _partition_key, value in stamped)
        too_many = self._in_flight_events + len(stamped) > self._in_flight_max
        if self._in_flight_events and (too_many or self._in_flight_bytes + size > IN_FLIGHT_BYTES_MAX):
            spread_s = now_ms % 1000 / 1000  # so that senders refused together do not come back together
            raise SlowDown(f"{self._in_flight_events} events wait for Kafka", 1 + spread_s)

    def _send(self, topic: Topic, stamped: Sequence[Stamped], keys: Sequence[EventKey], now_ms: int) -> Sending:
        started_s = asyncio.get_running_loop().time()
        sending = self.producer.send(topic.name, stamped)
        self._recent.remember(keys, sending, now_ms)
        size = sum(len(value) for _key, _partition_key, value in stamped)
        self._in_flight_events += len(stamped)
        self._in_flight_bytes += size
        PUBLISH_IN_FLIGHT.set(self._in_flight_events)

        def settled(_future: asyncio.Future[None]) -> None:
            """Count the batch when Kafka has spoken, whether or not anybody still waits for it."""
            PUBLISH_SECONDS.observe(asyncio.get_running_loop().time() - started_s)
            for key in sending.faults:
                self._recent.forget(key)
            self._in_flight_events -= len(stamped)
            self._in_flight_bytes -= size
            PUBLISH_IN_FLIGHT.set(self._in_flight_events)
            self._accepted.inc(len(stamped) - len(sending.faults))
            if sending.faults:
                self._not_stored.inc(len(sending.faults))

        sending.settled.add_done_callback(settled)
        return sending

    def _exit(self, carrier: Outcome | Sending | None, key: EventKey, *, is_first: bool) -> Outcome:
        """The outcome of one event; all but accepted and not_stored, which its batch counts, are counted here."""
        if isinstance(carrier, Outcome):
            EVENTS_REJECTED.labels(self._door, carrier.reason).inc()
            return carrier
        if carrier is None or not carrier.settled.done():
            return UNCONFIRMED
        if key in carrier.faults:
            return NOT_STORED
        if is_first:
            return ACCEPTED
        self._doubled.inc()
        return DOUBLED

    async def close(self) -> None:
        """Wait for what is on its way, then leave Kafka."""
        await asyncio.to_thread(self.producer.close)


def _stamp_alike(events: Sequence[DeviceEvent], session_id: str, now_ms: int) -> list[Stamped]:
    """Events that all name this session, stamped. Written on as text: of an event, only one member more is new."""
    partition_key, stamp = session_key(session_id), b',"received_time_ms":%d}' % now_ms
    return [
        (
            (event.member_id, event.event_id),
            partition_key,
            encode(event)[:-1] + stamp if event.received_time_ms is None else encode(replace(event, received_time_ms=now_ms)),
        )
        for event in events
    ]


def _synthetic_session(event: DeviceEvent) -> str | None:
    """The synthetic member is in no directory; it may send for its own sessions, and nobody else may."""
    its_own = event.member_id == SYNTHETIC_MEMBER_ID and event.session_id in SYNTHETIC_SESSION_SET
    return event.session_id if its_own else None


def _out_of_time(event_time_ms: int, now_ms: int) -> Outcome:
    if event_time_ms > now_ms:
        ahead_s = (event_time_ms - now_ms) // 1000
        return rejected("too_far_ahead", f"event_time_ms lies {ahead_s} s in the future; at most {LATEST_AHEAD_MS // 1000} s")
    age_s = (now_ms - event_time_ms) // 1000
    hint = "; it looks like seconds, and milliseconds are wanted" if event_time_ms < 10_000_000_000 else ""
    return rejected("too_old", f"event_time_ms lies {age_s} s in the past; at most {OLDEST_MS // 1000} s{hint}")
