"""The simulated class in real time: one second of bodies each second, sent through the gateway as a hub would."""

import asyncio
import contextlib
from dataclasses import dataclass

from infra.clock import Clock
from infra.errors import PacelineError
from ingest.device_client import BATCH_EVENTS, Uplink, ask_running_sessions
from ingest.simulator.class_simulation import ClassSimulation

LOOK_EVERY_S = 5.0


@dataclass
class Driver:
    """Runs until `stop` is set, `duration_s` is over or the class has ended."""

    simulation: ClassSimulation
    uplink: Uplink
    clock: Clock
    session_id: str
    gateway_url: str
    token: str
    body_seconds: int = 1
    duration_s: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Measure, send and watch the class side by side; what is measured at the end is still sent."""
        tasks = [asyncio.create_task(work) for work in (self._measure(stop), self._watch(stop))]
        sending = asyncio.create_task(self._send(stop))
        try:
            done, _pending = await asyncio.wait([*tasks, sending], return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            for task in done:
                task.result()
            await asyncio.wait([*tasks, sending], timeout=10)
        finally:
            for task in (*tasks, sending):
                task.cancel()
            await asyncio.gather(*tasks, sending, return_exceptions=True)

    async def _measure(self, stop: asyncio.Event) -> None:
        began_ms = self.clock()
        index = 0
        while not stop.is_set() and (self.duration_s is None or index < self.duration_s):
            self.simulation.advance(began_ms + index * 1000, self.body_seconds)
            index += 1
            await _sleep(stop, (began_ms + index * 1000 - self.clock()) / 1000)

    async def _send(self, stop: asyncio.Event) -> None:
        while True:
            events = self.simulation.take(BATCH_EVENTS)
            if events:
                await self.uplink.send(events)
            elif stop.is_set():
                return
            else:
                await _sleep(stop, 0.1)

    async def _watch(self, stop: asyncio.Event) -> None:
        """End with the class. While the gateway is away the class is taken to go on."""
        while not stop.is_set():
            await _sleep(stop, LOOK_EVERY_S)
            with contextlib.suppress(PacelineError):
                running = await ask_running_sessions(self.gateway_url, self.token)
                if self.session_id not in {session.session_id for session in running.sessions}:
                    return


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, seconds))
