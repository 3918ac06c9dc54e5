"""The load of benchmark and soak: a club's hubs and screens against a running house, and what it comes to."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter

import msgspec

from infra.kafka import ends, open_consumer
from schemas.topics import DEVICE_EVENTS
from tests.bench.club import Club
from tests.bench.house import House
from tests.bench.hubs import Hub, Straps
from tests.bench.ledger import Ledger
from tests.bench.screens import Screen
from tests.bench.untold import Untold, explain

SEED = 20_251_121
CONNECTS_AT_ONCE = 20
SETTLE_S = 60.0


class Lost(msgspec.Struct, frozen=True):
    """What the end of a load found missing or twice; all zero is the goal."""

    events_not_accepted: int
    events_not_in_kafka: int
    events_doubled_in_kafka: int
    events_not_in_warehouse: int
    tiles_not_shown: int
    phones_not_shown: int
    alerts_not_told: int
    alerts_doubled: int
    holes: int
    unrecovered: int
    untold: tuple[Untold, ...] = ()
    """What became of each alert that was not told."""

    @property
    def parts(self) -> str:
        """Everything that is not zero, and what is known of it."""
        counts = {name: value for name, value in msgspec.structs.asdict(self).items() if value and name != "untold"}
        return "; ".join([", ".join(f"{name} {value}" for name, value in counts.items()), *map(str, self.untold)])

    @property
    def lost(self) -> int:
        s = self
        events = s.events_not_accepted + s.events_not_in_kafka + s.events_not_in_warehouse
        return events + s.tiles_not_shown + s.phones_not_shown + s.alerts_not_told + s.holes + s.unrecovered

    @property
    def doubled(self) -> int:
        return self.events_doubled_in_kafka + self.alerts_doubled


@dataclass
class Load:
    """Everybody of a club connected to a house. For one event loop."""

    house: House
    club: Club
    climbs_per_s: float

    def __post_init__(self) -> None:
        self.ledger = Ledger()
        self.hubs = [Hub(one) for one in self.club.classes]
        self.screens = [Screen(one, one.trainer, self.ledger, deflate=False) for one in self.club.classes]
        self.phones = [Screen(one, phone, self.ledger, deflate=True) for one in self.club.classes for phone in one.phones]
        for phone in self.phones:
            self.ledger.expect_on_phone(phone.watcher.user_id)
        self.straps = Straps(self.club, self.hubs, self.ledger, self.climbs_per_s, random.Random(SEED))
        self._sending: asyncio.Task[None] | None = None
        self._tiles_lost = 0
        self._phones_lost = 0

    @property
    def sockets(self) -> list[Screen]:
        return [*self.screens, *self.phones]

    async def begin(self, climbs_until_s: float) -> None:
        """Connect everybody, then start to send. No alert begins later than `climbs_until_s` from now."""
        for hub in self.hubs:
            await hub.connect(self.house.settings.gateway_url)
        for at in range(0, len(self.sockets), CONNECTS_AT_ONCE):
            some = self.sockets[at : at + CONNECTS_AT_ONCE]
            connected = await asyncio.gather(*(screen.connect(self.house.settings.api_url) for screen in some))
            if not all(connected):
                raise ConnectionRefusedError(next(screen.refused[-1] for screen in some if screen.refused))
            await asyncio.sleep(CONNECTS_AT_ONCE / 250)
        self._sending = asyncio.create_task(self.straps.run(climbs_until_s))

    def count_unshown(self, not_after_s: float) -> None:
        """Count what no screen has shown of all handed over before that moment, and begin anew."""
        tiles, phones = self.ledger.not_shown(not_after_s)
        self._tiles_lost += tiles
        self._phones_lost += phones
        self.ledger.forget_unshown()

    async def cut_all(self, within_s: float) -> tuple[int, list[float]]:
        """Cut every socket; each comes back at its own moment within that time. How many did, and how long each took."""
        rng = random.Random(SEED)
        for screen in self.sockets:
            screen.cut()
        took_s: list[float] = []

        async def come_back(screen: Screen, after_s: float) -> bool:
            await asyncio.sleep(after_s)
            began = perf_counter()
            back = await screen.connect(self.house.settings.api_url)
            took_s.append(perf_counter() - began)
            return back

        back = await asyncio.gather(*(come_back(screen, rng.uniform(0, within_s)) for screen in self.sockets))
        return sum(back), took_s

    async def end(self) -> None:
        """Stop sending and wait until everything has been answered."""
        deadline = perf_counter() + SETTLE_S
        await _until(lambda: not self.straps.climbing, deadline)  # the last alerts come due
        await asyncio.sleep(2)
        self.straps.stop()
        if self._sending:
            await self._sending
        await _until(lambda: not any(hub.waiting for hub in self.hubs), deadline)
        await asyncio.sleep(2)
        self.count_unshown(perf_counter())

    async def account(self) -> Lost:
        """Compare what was handed over with Kafka, the warehouse and the screens; waits until the flows have stored it."""
        sent = self.ledger.sent
        in_kafka = await asyncio.to_thread(self._in_kafka)
        stored = await self._stored(sent)
        expected = self.straps.climbs
        told = self.ledger.alerts_raised
        untold = await asyncio.to_thread(explain, self.house, *self._untold(expected))
        return Lost(
            events_not_accepted=sent - sum(hub.accepted for hub in self.hubs),
            events_not_in_kafka=max(0, sent - in_kafka),
            events_doubled_in_kafka=max(0, in_kafka - sent),
            events_not_in_warehouse=sent - stored,
            tiles_not_shown=self._tiles_lost,
            phones_not_shown=self._phones_lost,
            alerts_not_told=sum(max(0, count - told[member]) for member, count in expected.items()),
            alerts_doubled=self.ledger.alerts_doubled + sum(max(0, told[m] - expected.get(m, 0)) for m in told),
            holes=sum(screen.holes for screen in self.sockets),
            unrecovered=sum(screen.unrecovered for screen in self.sockets),
            untold=tuple(untold),
        )

    def close(self) -> None:
        for screen in self.sockets:
            screen.cut()
        for hub in self.hubs:
            hub.close()

    def _untold(self, expected: Iterable[int]) -> tuple[dict[int, int], dict[int, str]]:
        """Members whose alert has not been told, by the beginning of their climb; and everybody's session."""
        began = {member: at_ms for member in expected if (at_ms := self.ledger.untold(member)) is not None}
        return began, {member: one.session_id for one in self.club.classes for member in one.members}

    def _in_kafka(self) -> int:
        consumer = open_consumer(self.house.settings)
        try:
            return sum(high for _low, high in (ends(consumer, DEVICE_EVENTS.name, p) for p in range(DEVICE_EVENTS.partitions)))
        finally:
            consumer.close()

    async def _stored(self, sent: int) -> int:
        question = "SELECT count() FROM v_telemetry_raw WHERE metric = 'heart_rate_bpm'"
        deadline = perf_counter() + SETTLE_S
        while True:
            stored = int((await asyncio.to_thread(self.house.rows, question))[0][0])
            if stored == sent or perf_counter() > deadline:
                return stored
            await asyncio.sleep(1)


async def _until(condition: Callable[[], bool], deadline: float) -> None:
    while not condition() and perf_counter() < deadline:  # noqa: ASYNC110 - what is waited for counts, it signals nothing
        await asyncio.sleep(0.1)
