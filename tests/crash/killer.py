"""Kills every part of a house in turn, at moments that a seed chooses, and measures how long each is away."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tests.crash.house import NODE, SUPERVISOR, House
from tests.crash.waiting import LOOK_EVERY_S, until

BACK_WITHIN_S = 120.0
AWAY_MAX = 3
"""Parts that may be away at once: a machine that is slow to start them shall not be kept from ever being whole."""
NODE_AWAY_S = 1.0
"""How long whoever runs a cluster takes to start a node again."""


@dataclass
class Deaths:
    """What became of one part."""

    part: str
    seen: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    away: bool = False

    @property
    def line(self) -> tuple[str, str, str, str, str]:
        """Part, kills, median and longest recovery in seconds, outcome."""
        times = self.recoveries_s
        middle, longest = (f"{statistics.median(times):.1f}", f"{max(times):.1f}") if times else ("", "")
        return self.part, str(self.seen), middle, longest, "stayed away" if self.away else "came back each time"


class Killer:
    """`run` makes `kills` of them. All parts have their turn before any has the next; some die together.

    Parts of `once` die in the first turn only. `calm` says whether what died before has been got over so far that the next may
    follow.
    """

    def __init__(
        self,
        house: House,
        rng: random.Random,
        *,
        kills: int,
        pause_s: tuple[float, float],
        parts: Collection[str] = (),
        once: Collection[str] = (),
        calm: Callable[[], bool] = lambda: True,
        together: float = 0.15,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.deaths = {part: Deaths(part) for part in house.parts if not parts or part in parts}
        self._house = house
        self._rng = rng
        self._kills = kills
        self._pause_s = pause_s
        self._once = frozenset(once)
        self._calm = calm
        self._together = together
        self._say = say
        self._waiting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Kill, and wait until everything is back."""
        turn: list[str] = []
        for number in range(self._kills):
            if not turn:
                turn = sorted(part for part, death in self.deaths.items() if not (part in self._once and death.seen))
                self._rng.shuffle(turn)
            part = turn.pop()
            await until(lambda: len(self._waiting) < AWAY_MAX and self._calm())
            await self._kill(part, number + 1)
            if self._rng.random() >= self._together:
                await asyncio.sleep(self._rng.uniform(*self._pause_s))
        while self._waiting:
            await asyncio.wait(self._waiting)

    async def _kill(self, part: str, number: int) -> None:
        """As soon as the part runs: one that is away already is waited for. Of a cluster, one node is away at a time."""
        if part.startswith(NODE):
            await until(lambda: all(node.ready() for node in self._house.nodes))
        await until(lambda: self._house.pid(part) is not None)
        killed = self._house.kill(part)
        self.deaths[part].seen += 1
        self._say(f"{number:4} killed {part} (process {killed})")
        if part == SUPERVISOR:
            self._house.start()
        task = asyncio.create_task(self._wait_for(part, killed))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _wait_for(self, part: str, killed: int) -> None:
        began = time.monotonic()
        if part.startswith(NODE):
            await asyncio.sleep(NODE_AWAY_S)
            self._house.start_node(part)
        while time.monotonic() - began < BACK_WITHIN_S:
            if await self._is_back(part, killed):
                self.deaths[part].recoveries_s.append(time.monotonic() - began)
                return
            await asyncio.sleep(LOOK_EVERY_S)
        self.deaths[part].away = True

    async def _is_back(self, part: str, killed: int) -> bool:
        """A supervisor that was killed meanwhile brings its children back, too."""
        return await asyncio.to_thread(self._house.is_back, part, killed)
