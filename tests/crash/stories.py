"""What happens in each class while parts of the house die: the ordinary and the odd."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.crash.club import Class, Club
from tests.crash.hub import Hub, Sheet
from tests.crash.measuring import Body
from tests.crash.trainer import Trainer
from tests.crash.waiting import until
from tests.crash.watcher import Watcher

EXCURSION_S = (17, 26)
RAMP_S = 5
SILENCE_S = 45
LOST_NEEDS_S = 35


@dataclass
class Scene:
    """What all stories share."""

    gateway_url: str
    club: Club
    bodies: Mapping[int, Body]
    trainer: Trainer
    watcher: Watcher
    seed: int
    long: bool
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the kills are done: the classes may end."""
    hubs: list[Hub] = field(default_factory=list)
    pauses: dict[str, int] = field(default_factory=dict)

    def rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    async def rest(self, seconds: float) -> bool:
        """Wait; whether the classes go on."""
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return True
        return False


@dataclass
class Session:
    """One collection of a class, from its start to its end."""

    scene: Scene
    of: Class
    hub: Hub
    sending: asyncio.Task[None] | None = None

    @property
    def sheet(self) -> Sheet:
        return self.hub.sheet

    @property
    def session_id(self) -> str:
        return self.hub.sheet.session_id

    async def send_for(self, members: set[int]) -> None:
        """Their devices send, as soon as the gateway knows that they take part."""
        await self.hub.wait_until_known(members)
        self.sheet.present |= members
        if self.sending is None:
            self.sending = asyncio.create_task(self.hub.run())

    async def lift(self, member: int, seconds: float) -> None:
        """Drive a member's heart rate up for so many measured seconds, or until the classes may end."""
        begin = len(self.sheet.ticks)
        self.sheet.high.add(member)
        await until(lambda: len(self.sheet.ticks) >= begin + seconds or self.scene.over.is_set())
        self.sheet.high.discard(member)

    async def end(self) -> None:
        """When everything has been confirmed."""
        self.hub.finish()
        if self.sending:
            await self.sending
        await self.scene.trainer.end(self.of.class_id)


async def open_session(scene: Scene, of: Class) -> Session:
    """Start the class and watch it."""
    started = await scene.trainer.start(of.class_id)
    sheet = Sheet(started["session_id"], started["started_at_ms"], of.plan.named)
    hub = Hub(scene.gateway_url, of.token, sheet, scene.bodies, scene.rng(f"hub {of.plan.name}"))
    scene.hubs.append(hub)
    await scene.watcher.watch(sheet.session_id)
    return Session(scene, of, hub)


async def ordinary(scene: Scene, of: Class) -> None:
    """Hearts go too high now and then, the trainer notes and acknowledges."""
    session = await open_session(scene, of)
    await session.send_for(set(of.member_ids))
    both = asyncio.gather(_excursions(session), _notes(session))
    await scene.over.wait()
    await both
    await session.end()


async def paused(scene: Scene, of: Class) -> None:
    """While the class is paused a heart goes too high, and no alert is raised; afterwards one is."""
    session = await open_session(scene, of)
    await session.send_for(set(of.member_ids))
    quiet, loud = of.member_ids[0], of.member_ids[1]
    while await scene.rest(4):
        await scene.trainer.pause(of.class_id)
        done = scene.pauses[session.session_id] = scene.pauses.get(session.session_id, 0) + 1
        await scene.watcher.heard(session.session_id, "session_paused", done)
        await session.lift(quiet, EXCURSION_S[0])
        await _measured(session, RAMP_S)
        await scene.trainer.resume(of.class_id)
        await scene.watcher.heard(session.session_id, "session_resumed", done)
        await session.lift(loud, EXCURSION_S[0])
        await _measured(session, RAMP_S)
        if scene.long:
            await scene.rest(60)
    await session.end()


async def joined(scene: Scene, of: Class) -> None:
    """Somebody walks in, and somebody is put on the roster, while the class runs."""
    session = await open_session(scene, of)
    await session.send_for(set(of.member_ids))
    walker, invited = scene.club.guests[:2]
    await scene.rest(5)
    await scene.trainer.note(session.session_id, "checkins", {"member_id": walker})
    await session.send_for({walker})
    await scene.rest(5)
    await scene.trainer.put_roster(of.class_id, [*of.member_ids, walker, invited])
    await session.send_for({invited})
    await session.lift(invited, EXCURSION_S[0])
    await scene.over.wait()
    await session.end()


async def short(scene: Scene, of: Class) -> None:
    """Begins and ends while others run; then the same class is held once more."""
    await scene.rest(6)
    session = await open_session(scene, of)
    await session.send_for(set(of.member_ids))
    await session.lift(of.member_ids[2], EXCURSION_S[0])
    await session.end()
    again = await open_session(scene, of)
    await again.send_for(set(of.member_ids))
    await scene.over.wait()
    await again.end()


async def silent(scene: Scene, of: Class) -> None:
    """A strap falls silent for a while, which only a long run has the time for; a member leaves."""
    session = await open_session(scene, of)
    await session.send_for(set(of.member_ids))
    leaving, falling = of.member_ids[0], of.member_ids[1]
    await scene.trainer.note(session.session_id, "checkins", {"member_id": leaving})
    await scene.rest(5)
    session.sheet.present.discard(leaving)
    await scene.trainer.note(session.session_id, "checkouts", {"member_id": leaving})
    while scene.long and await scene.rest(LOST_NEEDS_S):
        session.sheet.present.discard(falling)
        await scene.rest(SILENCE_S)
        session.sheet.present.add(falling)
        await scene.rest(60)
    await scene.over.wait()
    await session.end()


async def without_straps(scene: Scene, of: Class) -> None:
    """Nobody is expected, or nobody sends."""
    session = await open_session(scene, of)
    if of.member_ids:
        await scene.trainer.note(session.session_id, "checkins", {"member_id": of.member_ids[0]})
    await scene.rest(5)
    await scene.trainer.note(session.session_id, "markers", {"marker_type": "warmup_end", "label": "Nobody?"})
    await scene.over.wait()
    await session.end()


STORIES: dict[str, Callable[[Scene, Class], Awaitable[None]]] = {
    "ordinary": ordinary,
    "paused": paused,
    "joined": joined,
    "short": short,
    "silent": silent,
    "empty": without_straps,
    "nobody": without_straps,
}


async def _excursions(session: Session) -> None:
    rng = session.scene.rng(f"excursions {session.of.plan.name}")
    while await session.scene.rest(rng.uniform(2, 8)):
        await session.lift(rng.choice(session.of.member_ids), rng.uniform(*EXCURSION_S))


async def _notes(session: Session) -> None:
    scene, sid = session.scene, session.session_id
    rng = scene.rng(f"notes {session.of.plan.name}")
    acknowledging = asyncio.create_task(_acknowledge(session)) if rng.random() < 0.7 else None
    while await scene.rest(rng.uniform(3, 9)):
        member = rng.choice(session.of.member_ids)
        what, body = rng.choice(
            [
                ("markers", {"marker_type": "effort", "label": f"Effort {rng.randrange(100)}"}),
                ("notes", {"text": "Knees in", "member_id": member}),
                ("checkins", {"member_id": member}),
                ("ratings", {"member_id": member, "rating_type": "effort", "value": rng.randrange(1, 10)}),
            ]
        )
        await scene.trainer.note(sid, what, body)
    if acknowledging:
        acknowledging.cancel()
        await asyncio.gather(acknowledging, return_exceptions=True)


async def _acknowledge(session: Session) -> None:
    alert = await session.scene.watcher.an_alert(session.session_id)
    await session.scene.trainer.acknowledge(session.session_id, alert["alert_id"])


async def _measured(session: Session, seconds: int) -> None:
    """So many more seconds have been measured and confirmed."""
    wanted = session.sheet.ticks[-1].second + seconds
    await until(lambda: session.hub.confirmed_s >= wanted)
