"""The gateway's cost per event, singly and in batches, beside a bare handler of the same server in the same run.

Events per second of the gateway process's own processor time, so that neither Kafka nor the sender counts.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from infra.embedded.launch import Launch
from infra.settings import Settings, child_environment
from schemas.directory import MemberRecord
from tests.bench.figures import Figure, Run, median_figure, usage_of
from tests.ingest.people import HUB_TOKEN, MEMBERS, SESSION, device_record, publish, session_record
from tests.running import ROOT, Servers, answers, free_ports, running, settings_in, temporary_home

RUNS = 3
CONNECTIONS = 8
SHAPES = {"single": (1, 4_000), "batches of 100": (100, 400)}
"""Events a request, and requests a run."""
RATIO_GOALS = {"single": 0.3, "batches of 100": 0.2}
_numbers = itertools.count()


def measure() -> Iterator[Figure]:
    with _both() as addresses:
        for shape, (events, requests) in SHAPES.items():
            for _pid, url in addresses.values():
                uvloop.run(_send(url, events, requests // 4))  # warm
            runs: dict[str, list[Run]] = {name: [] for name in addresses}
            for _run in range(RUNS):
                for name, (pid, url) in addresses.items():
                    before = usage_of(pid)
                    uvloop.run(_send(url, events, requests))
                    used = usage_of(pid) - before
                    runs[name].append(Run(events * requests / used.cpu_s, used))
            yield median_figure(f"gateway, {shape}", "events/CPU-s", None, "higher", runs["gateway"])
            yield median_figure(f"bare handler, {shape}", "events/CPU-s", None, "higher", runs["bare"])
            ratios = [Run(ours.value / bare.value) for ours, bare in zip(runs["gateway"], runs["bare"], strict=True)]
            yield median_figure(f"gateway ÷ bare handler, {shape}", "×", RATIO_GOALS[shape], "higher", ratios)


@contextmanager
def _both() -> Iterator[dict[str, tuple[int, str]]]:
    """A gateway on a Kafka of its own, and the bare handler: process id and address of each."""
    with temporary_home() as home, ExitStack() as held:
        settings = settings_in(home, hub_events_per_s=1e9, hub_events_burst=2**31)
        servers = Servers(settings)
        held.callback(servers.stop)
        servers.start(servers.kafka)
        members = [MemberRecord(member_id=member) for member in MEMBERS]
        publish(settings, *members, device_record(HUB_TOKEN), session_record())
        gateway = held.enter_context(_gateway(settings, home))
        [port] = free_ports(1)
        command = [sys.executable, "-m", "tests.bench.bare_gateway", str(port)]
        launch = Launch(command, child_environment(settings), ROOT)
        bare_url = f"http://127.0.0.1:{port}"
        bare = held.enter_context(running(launch, lambda: answers(bare_url), home / "bare.log"))
        yield {"bare": (bare.pid, bare_url), "gateway": (gateway, settings.gateway_url)}


@contextmanager
def _gateway(settings: Settings, home: Path) -> Iterator[int]:
    launch = Launch([sys.executable, "-P", "-m", "infra.cli", "gateway"], child_environment(settings), home)
    with running(launch, lambda: answers(f"{settings.gateway_url}/ready"), home / "gateway.log") as process:
        yield process.pid


async def _send(url: str, events: int, requests: int) -> None:
    """So many requests over several connections that stay open; every answer must accept every event."""
    share = requests // CONNECTIONS
    await asyncio.gather(*(_one_connection(url, events, share) for _ in range(CONNECTIONS)))


async def _one_connection(url: str, events: int, requests: int) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    wanted = b'"accepted":%d,' % events
    for _ in range(requests):
        body = b"[" + b",".join(_event() for _ in range(events)) + b"]"
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {HUB_TOKEN}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer_head = await reader.readuntil(b"\r\n\r\n")
        length = int(answer_head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        answer = await reader.readexactly(length)
        if wanted not in answer:
            raise AssertionError(f"not accepted: {answer[:300]!r}")
    writer.close()


def _event() -> bytes:
    number = next(_numbers)
    member = MEMBERS[number % len(MEMBERS)]
    return (
        b'{"type":"heart_rate","event_id":"bench:%09d","member_id":%d,"session_id":"%b","device_id":"strap-%d",'
        b'"event_time_ms":%d,"heart_rate_bpm":%d,"rr_ms":[421]}'
        % (number, member, SESSION.encode(), member, time.time_ns() // 1_000_000, 120 + number % 40)
    )
