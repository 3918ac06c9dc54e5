"""`paceline sources verify`: the whole list of checks, as a table."""

from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from websockets.exceptions import WebSocketException

from infra.clock import Clock
from infra.errors import PacelineError
from ingest.conformance.asking import Asking
from ingest.conformance.checks import CHECKS, FAULTS, Check, Found
from ingest.conformance.samples import Samples, beats, read_samples
from ingest.device_client import ask_running_sessions, open_http


@dataclass(frozen=True)
class VerifyRequest:
    """What the author asked for."""

    gateway_url: str
    token: str
    member_id: int | None
    events: Path | None


async def verify(request: VerifyRequest, clock: Clock, run: str, console: Console) -> bool:
    """Print every promise and what was found; whether all were kept.

    Raises PacelineError when there is nothing to verify with: bad samples, no member, no gateway.
    """
    now_ms = clock()
    samples = read_samples(request.events) if request.events else beats(now_ms)
    member_id = await _member(request)
    if member_id is None and not request.events:
        raise PacelineError(
            "A hub's token does not say for whom to send", "Name a member of yours with --member, best one for tests."
        )
    async with open_http(request.gateway_url, request.token) as http:
        asking = Asking(http, request.token, Samples(samples, run, member_id), now_ms)
        found = [(each, await _tried(each, asking)) for each in CHECKS]
    console.print(_table(found))
    failed = sum(not outcome.good for _each, outcome in found)
    console.print(f"{len(found) - failed} of {len(found)} kept.", highlight=False)
    return not failed


async def _member(request: VerifyRequest) -> int | None:
    """Whom the events are of: as asked, otherwise the one whose token it is."""
    running = await ask_running_sessions(request.gateway_url, request.token)
    return request.member_id or running.member_id


async def _tried(each: Check, asking: Asking) -> Found:
    try:
        return await each.run(asking)
    except (httpx.HTTPError, WebSocketException, OSError, TimeoutError, msgspec.MsgspecError, *FAULTS) as fault:
        return Found(good=False, text=f"{type(fault).__name__}: {fault}")


def _table(found: list[tuple[Check, Found]]) -> Table:
    table = Table("", "about", "promise", "found")
    for each, outcome in found:
        mark = "[green]kept[/]" if outcome.good else "[bold red]broken[/]"
        table.add_row(mark, each.group, each.promise, escape(outcome.text))
    return table
