"""From the straps to the store at once, from the store to the gateway in order: so an absent gateway costs nothing but time."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from infra.errors import PacelineError
from ingest.device_client import BATCH_EVENTS, Uplink
from ingest.straps.store import EventStore
from schemas.events import DeviceEvent

GATHER_S = 0.05
PENDING_MAX = 50_000
"""Kept in memory while the disk takes nothing."""
LAST_WORDS_S = 5.0


class Forwarder:
    """Sends what `keep` is given; every event leaves once, by the gateway's answer. An id that is sent again counts once."""

    def __init__(self, store: EventStore, uplink: Uplink, say: Callable[[str], None], *, refused_rest_s: float = 30) -> None:
        self.lost = 0
        """Dropped because memory and disk were full; the store counts its own."""
        self._store = store
        self._uplink = uplink
        self._say = say
        self._refused_rest_s = refused_rest_s
        self._pending: list[DeviceEvent] = []
        self._measured = asyncio.Event()
        self._stored = asyncio.Event()
        self._stored.set()
        self._problem = ""

    def keep(self, events: list[DeviceEvent]) -> None:
        """Take these over; returns at once."""
        self._pending.extend(events)
        over = len(self._pending) - PENDING_MAX
        if over > 0:
            del self._pending[:over]
            self.lost += over
        self._measured.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is left then is sent within a few seconds or stays in the store for the next start."""
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._send())]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _pending = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._drained(), LAST_WORDS_S)
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            await self._store_pending()

    async def _drained(self) -> None:
        while self._pending or self._store.waiting:  # noqa: ASYNC110 - at most a few seconds, once
            await asyncio.sleep(GATHER_S)

    async def _write(self) -> None:
        while True:
            await self._measured.wait()
            await asyncio.sleep(GATHER_S)
            self._measured.clear()
            if not await self._store_pending():
                await asyncio.sleep(1)
                self._measured.set()

    async def _store_pending(self) -> bool:
        """Whether the disk has taken all of it."""
        events, self._pending = self._pending, []
        if not events:
            return True
        try:
            await asyncio.to_thread(self._store.append, events)
        except sqlite3.Error as fault:
            self._pending[:0] = events
            self._tell(f"The store takes nothing: {fault}")
            return False
        self._stored.set()
        return True

    async def _send(self) -> None:
        while True:
            place, events = await asyncio.to_thread(self._store.oldest, BATCH_EVENTS)
            if not events:
                self._stored.clear()
                if not self._store.waiting:
                    await self._stored.wait()
                continue
            try:
                await self._uplink.send(events)
            except PacelineError as refused:
                self._tell(f"{refused.problem}. {self._store.waiting} events wait on disk. {refused.remedy}")
                await asyncio.sleep(self._refused_rest_s)
                continue
            self._problem = ""
            await asyncio.to_thread(self._store.forget, place)

    def _tell(self, problem: str) -> None:
        """Each problem once, until something else happens."""
        if problem != self._problem:
            self._problem = problem
            self._say(problem)
