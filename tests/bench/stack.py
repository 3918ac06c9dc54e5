"""The whole stack under load: 5,000 events a second through the gateway to a thousand sockets, each process's share, a storm.

A tile's delay runs from the moment at which an event is handed to the gateway's socket to the moment at which a frame that
shows it has come to the trainer's screen (an event is known again by its member and its own time). The clients run in this
process, on the same machine.
"""

import asyncio
import os
from collections.abc import Iterator
from time import perf_counter

import msgspec
import uvloop

from tests.bench.club import found_club
from tests.bench.figures import Figure, Run, Usage, median_figure, percentile, usage_of
from tests.bench.house import standing_house
from tests.bench.load import Load, Lost

CLASSES, MEMBERS_EACH, PHONES = 50, 100, 950
CLIMBS_PER_S = 12.0
WARM_UP_S = float(os.environ.get("PACELINE_BENCH_WARM_UP", "75"))
"""By then everything that a long load makes the stack do was done once: minutes are closed for the first time after 68 s."""
WINDOWS, WINDOW_S = 3, 20.0
"""A minute together, so that one of them has the closing of everybody's minute in it."""
STORM_S = 2.0
SETTLE_S = 1.0
"""What is handed over this shortly before the sockets are cut may be on its way still."""
MEMORY_GOAL_MB = 1_500.0
DELAY_GOAL_MS = 100.0


class Window(msgspec.Struct):
    """What was measured in one stretch of the steady load."""

    seconds: float
    events: int
    tiles_s: list[float]
    phones_s: list[float]
    alerts_s: list[float]
    usage: dict[str, Usage]
    clients: Usage
    late_s: list[float]


class Seen(msgspec.Struct):
    """A whole run."""

    windows: list[Window]
    memory_mb: dict[str, float]
    back: int
    back_took_s: list[float]
    sockets: int
    lost: Lost
    refused: list[str]


def measure() -> Iterator[Figure]:
    with standing_house() as house:
        club = found_club(house.settings, CLASSES, MEMBERS_EACH, PHONES)
        seen = uvloop.run(_drive(Load(house, club, CLIMBS_PER_S)))
        died = {name: count for name, count in house.starts().items() if count > 1}
    yield from _delays(seen)
    yield from _accounts(seen, died)
    yield from _costs(seen)


async def _drive(load: Load) -> Seen:
    climbs_until_s = WARM_UP_S + WINDOWS * WINDOW_S
    await load.begin(climbs_until_s)
    await asyncio.sleep(WARM_UP_S)
    load.ledger.take_delays()
    windows = [await _window(load) for _ in range(WINDOWS)]
    memory = await asyncio.to_thread(load.house.memory_mb)
    load.count_unshown(perf_counter() - SETTLE_S)
    back, took_s = await load.cut_all(STORM_S)
    load.ledger.forget_unshown()  # what was shown to nobody while all were away
    await load.end()
    lost = await load.account()
    refused = [why for screen in load.sockets for why in screen.refused] + [why for hub in load.hubs for why in hub.refused]
    load.close()
    return Seen(windows, memory, back, took_s, len(load.sockets), lost, refused)


async def _window(load: Load) -> Window:
    began, sent, usage, clients = perf_counter(), load.ledger.sent, load.house.usage(), usage_of(os.getpid())
    load.straps.late_s.clear()
    await asyncio.sleep(WINDOW_S)
    tiles, phones, alerts = load.ledger.take_delays()
    after = load.house.usage()
    return Window(
        perf_counter() - began,
        load.ledger.sent - sent,
        tiles,
        phones,
        alerts,
        {name: after[name] - before for name, before in usage.items()},
        usage_of(os.getpid()) - clients,
        list(load.straps.late_s),
    )


def _delays(seen: Seen) -> Iterator[Figure]:
    rate = [Run(window.events / window.seconds) for window in seen.windows]
    yield median_figure("events handed to the gateway", "events/s", 4_950, "higher", rate, "50 classes × 100 members at 1 Hz")
    kinds = {
        "tile: gateway → trainer's screen": [window.tiles_s for window in seen.windows],
        "tile: gateway → member's phone": [window.phones_s for window in seen.windows],
        "alert: event that makes it due → screen": [window.alerts_s for window in seen.windows],
    }
    for name, delays in kinds.items():
        note = f"{len(delays[0])} in {WINDOW_S:.0f} s; {_spread(delays[0], 0.5, 0.99)}"
        runs = [
            Run(percentile(window_s, 0.95) * 1000, _total(window))
            for window_s, window in zip(delays, seen.windows, strict=True)
        ]
        yield median_figure(f"{name}, p95", "ms", DELAY_GOAL_MS, "lower", runs, note)
    late = [Run(percentile(window.late_s, 0.95) * 1000) for window in seen.windows]
    yield median_figure("the load's own lateness, p95", "ms", None, "lower", late, "frames of the simulated hubs")


def _accounts(seen: Seen, died: dict[str, int]) -> Iterator[Figure]:
    yield Figure("lost: events, tiles, alerts, messages", seen.lost.lost, "", 0, "lower", note=seen.lost.parts)
    yield Figure("doubled: events, alerts, messages", seen.lost.doubled, "", 0, "lower")
    yield Figure("processes that died", sum(died.values()) - len(died), "", 0, "lower", note=str(died or ""))
    yield Figure(
        "sockets held", seen.sockets, "", 1_000, "higher", note=f"{CLASSES} screens, {PHONES} phones with permessage-deflate"
    )
    share = 100 * seen.back / seen.sockets
    took = f"connect to welcome {_spread(seen.back_took_s, 0.5, 0.95)}"
    refused = f"; first refusal: {seen.refused[0]}" if seen.refused else ""
    yield Figure(
        f"storm: {seen.sockets} reconnects within {STORM_S:.0f} s, successful", share, "%", 99, "higher", note=took + refused
    )


def _costs(seen: Seen) -> Iterator[Figure]:
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(seen.memory_mb.items(), key=lambda item: -item[1]))
    yield Figure("memory of the whole stack (PSS)", sum(seen.memory_mb.values()), "MB", MEMORY_GOAL_MB, "lower", note=memory)
    for name in sorted(seen.windows[0].usage):
        runs = [Run(window.usage[name].cpu_s / window.events * 1e6, window.usage[name]) for window in seen.windows]
        yield median_figure(f"processor time per event, {name}", "µs", None, "lower", runs)
    runs = [Run(_total(window).cpu_s / window.events * 1e6, _total(window)) for window in seen.windows]
    yield median_figure("processor time per event, all processes", "µs", None, "lower", runs)
    clients = [Run(window.clients.cpu_s / window.seconds * 100, window.clients) for window in seen.windows]
    yield median_figure("the load itself (hubs and sockets)", "% of a core", None, "lower", clients)


def _total(window: Window) -> Usage:
    return sum(window.usage.values(), Usage())


def _spread(delays_s: list[float], *shares: float) -> str:
    return ", ".join(f"p{share * 100:.0f} {percentile(delays_s, share) * 1000:.0f} ms" for share in shares)
