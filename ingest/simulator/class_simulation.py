"""A whole simulated class: bodies, straps and mishaps under one seed."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ingest.simulator.athletes import athletes_of
from ingest.simulator.physiology import Bodies, demo_episodes
from ingest.simulator.plan import EffortPlan, kind_of
from ingest.simulator.straps import Faults, Mishaps, Strap
from schemas.directory import Participant, Segment
from schemas.events import DeviceEvent

Scenario = Literal["ordinary", "demo"]
SCENARIOS: tuple[Scenario, ...] = ("ordinary", "demo")


class ClassSimulation:
    """Events of a class, second by second. The same arguments give the same events, whatever the machine."""

    def __init__(
        self,
        participants: Sequence[Participant],
        *,
        class_type: str,
        seed: int,
        run: str,
        session_id: str | None = None,
        segments: Sequence[Segment] = (),
        planned_duration_s: int = 3600,
        class_second: int = 0,
        scenario: Scenario = "ordinary",
        faults: Faults | None = None,
        stores: bool = True,
    ) -> None:
        people, bodies, mishaps = (np.random.default_rng([seed, stream]) for stream in range(3))
        athletes = athletes_of(participants, people)
        self._bodies = Bodies(
            athletes,
            EffortPlan([(segment.name, segment.duration_s) for segment in segments], planned_duration_s),
            kind_of(class_type),
            bodies,
            class_second=class_second,
            episodes=demo_episodes(athletes) if scenario == "demo" else (),
        )
        self._mishaps = Mishaps(faults or Faults(), mishaps)
        self.straps = [
            Strap(p.member_id, p.name, run, self._mishaps.skew_ms(), stores=stores, session_id=session_id) for p in participants
        ]
        self._index = 0

    def advance(self, at_ms: int, body_seconds: int = 1) -> None:
        """One second of the devices' time at `at_ms`; the bodies may live through several in it."""
        for _ in range(body_seconds - 1):
            self._bodies.step()
        second = self._bodies.step()
        jumps = self._mishaps.strike(self.straps)
        for row, strap in enumerate(self.straps):
            strap.measure(second, row, self._index, at_ms, jumps.get(row, 0))
        self._index += 1

    def take(self, count: int) -> list[DeviceEvent]:
        """At most so many events that can be sent now: each strap's in its order, the straps in turn."""
        share = max(1, count // len(self.straps))
        events: list[DeviceEvent] = []
        for strap in self.straps:
            events.extend(strap.take(min(share, count - len(events))))
        return self._mishaps.double(events)
