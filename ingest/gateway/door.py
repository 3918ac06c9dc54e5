"""What both doors of the gateway do with the raw events of an authenticated device."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from infra.clock import Clock
from infra.telemetry.metrics import EVENTS_REJECTED
from ingest.decoding import decode_events, event_id_of
from ingest.gateway.clock_notes import ClockNotes
from ingest.gateway.clocks import DeviceClocks
from ingest.gateway.rates import Rates
from ingest.gateway.refused_bytes import RefusedBytes
from ingest.outcomes import ACCEPTED, Outcome, SlowDown, rejected
from ingest.publisher import Publisher
from schemas.directory import DeviceRecord
from schemas.events import DeviceEvent

DoorName = Literal["http", "stream"]


class RejectedEvent(Struct, frozen=True):
    """One refused event: its place in the request, the id it called itself by, and why."""

    index: int
    event_id: str
    reason: str
    detail: str


class Answer(Struct, frozen=True):
    """What became of a batch. `unconfirmed` events must be sent again; they will not count twice."""

    accepted: int
    doubled: int
    rejected: list[RejectedEvent]
    unconfirmed: int = 0

    @property
    def all_rejected(self) -> bool:
        return bool(self.rejected) and not (self.accepted or self.doubled or self.unconfirmed)


class Limited(SlowDown):
    """This device sends faster than it may."""


class Door:
    """Decode, check the device's right, publish, and account for every event."""

    def __init__(  # noqa: PLR0917  # the parts it is wired with, in one place only
        self,
        publisher: Publisher,
        rates: Rates,
        refused: RefusedBytes,
        clock_notes: ClockNotes,
        clock: Clock,
        patience_s: float,
    ) -> None:
        self._publisher = publisher
        self._clocks = DeviceClocks()
        self._clock_notes = clock_notes
        self._rates = rates
        self._refused = refused
        self._clock = clock
        self._patience_s = patience_s
        self.last_received_ms: dict[int, int] = {}
        """When the newest event of each member came in, since this gateway started."""

    async def take(self, name: DoorName, device: DeviceRecord, raws: Sequence[bytes], *, history: bool = False) -> Answer:
        """Raises Limited or SlowDown before any event is taken."""
        wait_s = self._rates.wait_s(device, len(raws), self._clock())
        if wait_s:
            raise Limited(f"{device.device_id} sends faster than it may", wait_s)
        decoded: Sequence[DeviceEvent | Outcome] = _permitted_of(device, decode_events(raws))
        if not history:
            now_ms = self._clock()
            decoded, clock_news = self._clocks.correct(decoded, now_ms)
            if clock_news:
                await self._clock_notes.tell(clock_news, now_ms, self._patience_s)
        events = [event for event in decoded if not isinstance(event, Outcome)]
        published = await self._publisher.publish_decoded(events, history=history, patience_s=self._patience_s)
        self._note(events, published)
        if published.count(ACCEPTED) == len(raws):
            return Answer(len(raws), 0, [])
        remaining = iter(published)
        outcomes = [event if isinstance(event, Outcome) else next(remaining) for event in decoded]
        for event in decoded:
            if isinstance(event, Outcome):
                EVENTS_REJECTED.labels("gateway", event.reason).inc()
        return self._answer(name, device, raws, outcomes)

    def keep_malformed(self, name: DoorName, device: DeviceRecord, content: bytes, detail: str) -> None:
        """Keep what an authenticated device sent and nobody can split into events."""
        self._refused.write(f"gateway/{name}", device.device_id, content, "malformed", detail)

    def _note(self, events: Sequence[DeviceEvent], outcomes: Sequence[Outcome]) -> None:
        now_ms = self._clock()
        pairs = zip(events, outcomes, strict=True)
        self.last_received_ms |= dict.fromkeys([e.member_id for e, outcome in pairs if outcome.kind != "rejected"], now_ms)

    def _answer(self, name: DoorName, device: DeviceRecord, raws: Sequence[bytes], outcomes: Sequence[Outcome]) -> Answer:
        refusals: list[RejectedEvent] = []
        kinds = {"accepted": 0, "doubled": 0, "rejected": 0, "unconfirmed": 0}
        for index, outcome in enumerate(outcomes):
            kinds[outcome.kind] += 1
            if outcome.kind == "rejected":
                refusals.append(RejectedEvent(index, event_id_of(raws[index]), outcome.reason, outcome.detail))
                if outcome.reason != "not_stored":
                    self._refused.write(f"gateway/{name}", device.device_id, raws[index], outcome.reason, outcome.detail)
        return Answer(kinds["accepted"], kinds["doubled"], refusals, kinds["unconfirmed"])


def _permitted_of(device: DeviceRecord, events: Sequence[DeviceEvent | Outcome]) -> list[DeviceEvent | Outcome]:
    """Each event that this device may send, and why the others are refused."""
    may_all = device.scope == "gateway"
    return [
        event if may_all and not isinstance(event, Outcome) and event.clock_offset_ms is None else _permitted(device, event)
        for event in events
    ]


def _permitted(device: DeviceRecord, event: DeviceEvent | Outcome) -> DeviceEvent | Outcome:
    if isinstance(event, Outcome):
        return event
    if event.clock_offset_ms is not None:
        return rejected("unknown_field", "`$.clock_offset_ms` is for the gateway to set")
    if device.scope == "gateway" or event.member_id == device.member_id:
        return event
    return rejected("forbidden_member", f"this token may send for member {device.member_id} only")
