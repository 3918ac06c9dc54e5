"""What waits for a gateway: in order, bounded, once."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from infra.errors import PacelineError
from ingest.straps.forwarding import Forwarder
from ingest.straps.store import EventStore
from schemas.events import HeartRate
from tests.ingest.straps.conftest import FakeGateway, until


def beats(first: int, last: int) -> list[HeartRate]:
    return [
        HeartRate(event_id=f"strap-{n:06}", member_id=1, device_id="s", event_time_ms=n, heart_rate_bpm=140)
        for n in range(first, last)
    ]


def test_events_come_out_as_they_went_in_and_again_until_they_are_forgotten(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "store.sqlite")
    store.append(beats(0, 10))
    place, first = store.oldest(4)
    assert first == beats(0, 4)
    assert store.oldest(4) == (place, first)
    store.forget(place)
    assert store.oldest(100)[1] == beats(4, 10)
    assert store.waiting == 6


def test_a_new_process_finds_what_waits(tmp_path: Path) -> None:
    first = EventStore(tmp_path / "store.sqlite")
    first.append(beats(0, 5))
    first.close()
    second = EventStore(tmp_path / "store.sqlite")
    assert (second.waiting, second.oldest(9)[1]) == (5, beats(0, 5))


def test_a_full_store_loses_its_oldest_and_counts_them(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "store.sqlite", events_max=10)
    store.append(beats(0, 8))
    store.append(beats(8, 14))
    assert (store.waiting, store.lost) == (10, 4)
    assert store.oldest(99)[1] == beats(4, 14)


def test_two_processes_do_not_share_a_store(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "store.sqlite")
    store.append(beats(0, 1))
    with pytest.raises(PacelineError, match="cannot be used"):
        EventStore(tmp_path / "store.sqlite")


async def test_while_the_gateway_is_away_events_wait_and_then_leave_in_order(tmp_path: Path) -> None:
    store, gateway, said, stop = EventStore(tmp_path / "store.sqlite"), FakeGateway(), [], asyncio.Event()
    forwarder = Forwarder(store, gateway, said.append)
    running = asyncio.create_task(forwarder.run(stop))
    for start in range(0, 2_500, 100):
        forwarder.keep([*beats(start, start + 100)])
        await asyncio.sleep(0.002)
    await until(lambda: store.waiting == 2_500, "all are on disk")
    assert gateway.received == []
    gateway.here.set()
    await until(lambda: not store.waiting, "all have left")
    forwarder.keep([*beats(2_500, 2_501)])
    await until(lambda: len(gateway.received) == 2_501, "live again")
    stop.set()
    await running
    assert gateway.received == beats(0, 2_501)
    assert said == []


async def test_a_refused_token_keeps_the_events_and_says_so_once(tmp_path: Path) -> None:
    class Refusing(FakeGateway):
        async def send(self, events):
            if not self.here.is_set():
                raise PacelineError("The gateway refused with 401: revoked", "Get another token.")
            await super().send(events)

    store, gateway, said, stop = EventStore(tmp_path / "store.sqlite"), Refusing(), [], asyncio.Event()
    forwarder = Forwarder(store, gateway, said.append, refused_rest_s=0.01)
    running = asyncio.create_task(forwarder.run(stop))
    forwarder.keep([*beats(0, 3)])
    await until(lambda: said, "the refusal is told")
    await asyncio.sleep(0.1)
    assert len(said) == 1
    assert "3 events wait on disk" in said[0]
    gateway.here.set()
    await until(lambda: gateway.received == beats(0, 3), "they leave with another token")
    stop.set()
    await running


async def test_a_disk_that_takes_nothing_for_a_while_costs_nothing(tmp_path: Path) -> None:
    class Full(EventStore):
        full = True

        def append(self, events):
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            super().append(events)

    store, gateway, said, stop = Full(tmp_path / "store.sqlite"), FakeGateway(), [], asyncio.Event()
    gateway.here.set()
    forwarder = Forwarder(store, gateway, said.append)
    running = asyncio.create_task(forwarder.run(stop))
    forwarder.keep([*beats(0, 3)])
    await until(lambda: said == ["The store takes nothing: database or disk is full"], "it is told")
    store.full = False
    forwarder.keep([*beats(3, 5)])
    await until(lambda: len(gateway.received) == 5, "all arrive")
    assert gateway.received == beats(0, 5)
    stop.set()
    await running


async def test_what_is_measured_at_the_very_end_is_in_the_store(tmp_path: Path) -> None:
    store, stop = EventStore(tmp_path / "store.sqlite"), asyncio.Event()
    forwarder = Forwarder(store, FakeGateway(), [].append)
    running = asyncio.create_task(forwarder.run(stop))
    await asyncio.sleep(0)
    forwarder.keep([*beats(0, 3)])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert store.oldest(9)[1] == beats(0, 3)
