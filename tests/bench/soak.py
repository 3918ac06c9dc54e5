"""A long steady load: `python -m tests.bench.soak`. Samples each process's memory and lag, and prints how fast they grow.

PACELINE_BENCH_SOAK_SECONDS (1800) and PACELINE_BENCH_SOAK_RATE (5000 events a second, a hundred members a class) say how long
and how much. The first quarter is left out of the slopes: caches and rings fill then.
"""

import asyncio
import datetime
import os
import sys
from collections.abc import Iterator, Sequence
from time import perf_counter

import msgspec
import numpy as np
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench.club import found_club
from tests.bench.figures import Figure, percentile
from tests.bench.house import House, standing_house
from tests.bench.load import Load, Lost
from tests.bench.machine import facts, processor_s, stolen_since
from tests.bench.report import Report, plain
from tests.bench.run import forget_own_settings
from tests.running import ROOT

SECONDS = float(os.environ.get("PACELINE_BENCH_SOAK_SECONDS", "1800"))
RATE = int(os.environ.get("PACELINE_BENCH_SOAK_RATE", "5000"))
MEMBERS_EACH = 100
PHONES_SHARE = 0.19
CLIMBS_PER_S = 0.5
SAMPLES = 60
SKIPPED_SHARE = 0.25
GROWTH_GOAL_MB_H = 50.0
"""Of each process, as the warehouse's notes ask."""
LAG_GOAL_MESSAGES = 5_000.0
"""A second of events."""


class Sample(msgspec.Struct):
    """One look at everything."""

    at_s: float
    memory_mb: dict[str, float]
    lag: dict[str, float]
    tile_p95_ms: float
    tile_longest_ms: float


class Soaked(msgspec.Struct):
    """All of them, and the account at the end."""

    samples: list[Sample]
    lost: Lost
    starts: dict[str, int]
    sent: int


def main() -> int:
    """Run it, print, keep the figures beside those of the benchmarks."""
    forget_own_settings()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"soak: {RATE} events/s for {SECONDS:.0f} s …")
    machine, before = facts(), processor_s()
    soaked = soak()
    console.print(_table(soaked))
    figures = [*figures_of(soaked), stolen_since(before)]
    report = Report(ROOT / "build" / "bench.json")
    report.show("soak", figures, console)
    report.keep("soak", figures, machine, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    return 0 if not soaked.lost.lost and not soaked.lost.doubled else 1


def soak() -> Soaked:
    with standing_house(access_token_s=86_400) as house:
        classes = max(1, RATE // MEMBERS_EACH)
        club = found_club(house.settings, classes, MEMBERS_EACH, round(RATE * PHONES_SHARE))
        samples, lost, sent = uvloop.run(_drive(house, Load(house, club, CLIMBS_PER_S)))
        return Soaked(samples, lost, house.starts(), sent)


async def _drive(house: House, load: Load) -> tuple[list[Sample], Lost, int]:
    await load.begin(climbs_until_s=SECONDS)
    began, samples = perf_counter(), list[Sample]()
    for number in range(1, SAMPLES + 1):
        await asyncio.sleep(max(0.0, began + number * SECONDS / SAMPLES - perf_counter()))
        tiles, _phones, _alerts = load.ledger.take_delays()
        load.straps.late_s.clear()
        memory, lag = await asyncio.to_thread(house.memory_mb), await asyncio.to_thread(house.lag_messages)
        p95_ms, longest_ms = (percentile(tiles, share) * 1000 if tiles else float("nan") for share in (0.95, 1))
        samples.append(Sample(perf_counter() - began, memory, lag, p95_ms, longest_ms))
    await load.end()
    lost = await load.account()
    load.close()
    return samples, lost, load.ledger.sent


def figures_of(soaked: Soaked) -> Iterator[Figure]:
    """Slopes, lags, and what was lost or doubled."""
    kept = settled(soaked.samples)
    length = f"{RATE} events/s for {soaked.samples[-1].at_s:.0f} s"
    for name in sorted(kept[0].memory_mb):
        slope = growth_per_hour([(s.at_s, s.memory_mb.get(name, 0.0)) for s in kept])
        note = f"{kept[0].memory_mb[name]:.0f} → {kept[-1].memory_mb.get(name, 0.0):.0f} MB"
        yield Figure(f"memory growth, {name}", slope, "MB/h", GROWTH_GOAL_MB_H, "lower", note=note)
    for name in sorted(kept[0].lag):
        values = [s.lag[name] for s in kept]
        slope = growth_per_hour([(s.at_s, s.lag[name]) for s in kept])
        note = f"grows by {plain(slope)} messages/h; highest {plain(max(values))}"
        yield Figure(f"lag, {name}, median", float(np.median(values)), "messages", LAG_GOAL_MESSAGES, "lower", note=note)
    yield Figure(
        "tile p95, median of samples", float(np.median([s.tile_p95_ms for s in kept])), "ms", 100, "lower", note=length
    )
    longest_ms = [s.tile_longest_ms for s in kept]
    late = sum(ms > 1_000 for ms in longest_ms)
    note = f"{late} of {len(kept)} samples have one later than a second, which the member's next may overtake"
    yield Figure("tile, longest", max(longest_ms), "ms", None, "lower", note=note)
    yield Figure("lost", soaked.lost.lost, "", 0, "lower", note=soaked.lost.parts or f"of {soaked.sent:,} events")
    yield Figure("doubled", soaked.lost.doubled, "", 0, "lower")
    died = {name: starts for name, starts in soaked.starts.items() if starts > 1}
    yield Figure("processes that died", len(died), "", 0, "lower", note=str(died or ""))


def settled(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those after the first quarter."""
    return samples[int(len(samples) * SKIPPED_SHARE) :]


def growth_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line through (seconds, value) with the least squared error, per hour."""
    seconds, values = zip(*points, strict=True)
    return float(np.polyfit(seconds, values, 1)[0] * 3_600)


def _table(soaked: Soaked) -> Table:
    names, readers = sorted(soaked.samples[0].memory_mb), sorted(soaked.samples[0].lag)
    table = Table("s", *(f"{name} MB" for name in names), *(f"lag {name}" for name in readers), "tile p95 ms")
    for sample in soaked.samples[:: max(1, len(soaked.samples) // 15)]:
        memory = [plain(sample.memory_mb.get(name, 0.0)) for name in names]
        table.add_row(f"{sample.at_s:.0f}", *memory, *(plain(sample.lag[name]) for name in readers), plain(sample.tile_p95_ms))
    return table


if __name__ == "__main__":
    sys.exit(main())
