"""`paceline replay`: recordings into the gateway, as if their devices were here now."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from infra.clock import Clock
from infra.errors import PacelineError
from infra.progress import progress
from ingest.choosing import choose_participant, choose_session
from ingest.device_client import HttpUplink, ask_running_sessions
from ingest.gateway.running import RunningSession
from ingest.parsers.files import SUFFIXES, read_recording
from ingest.parsers.recording import Recording, UnreadableRecording
from ingest.publisher import HISTORY_OLDEST_MS
from ingest.recorded_events import Sender
from ingest.replay import Timing, fitting_timing, play
from schemas.ranges import OLDEST_MS


@dataclass(frozen=True)
class ReplayRequest:
    """What the person asked for."""

    files: tuple[Path, ...]
    gateway_url: str
    token: str
    class_: str = ""
    member: str = ""
    speed: float = 1
    timing: Timing | None = None
    """None: each recording as it fits into the class."""
    positions: bool = False


def found_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and of each folder the ones that look like activities."""
    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(SUFFIXES)) if path.is_dir() else [path]
        )
        found.extend(inside)
    return found


async def replay(request: ReplayRequest, clock: Clock, console: Console) -> int:
    """Send every file; a bad one is reported and the rest go on. Returns how many failed."""
    failed = 0
    taken: set[int] = set()
    for path in found_files(request.files):
        try:
            recording = await asyncio.to_thread(read_recording, path)
            sender, session = await _place(request, clock, taken)
            timing = request.timing or _choose_timing(request, recording, session, clock(), console)
            await _send(request, recording, sender, clock, console, timing=timing)
            taken.add(sender.member_id)
        except UnreadableRecording as fault:
            failed += 1
            _report(console, path, f"place:  {fault.place}\n  reason: {fault.reason}")
        except PacelineError as fault:
            failed += 1
            _report(console, path, f"reason: {fault.problem}. {fault.remedy}")
    return failed


def _report(console: Console, path: Path, why: str) -> None:
    console.print(f"[bold red]Not replayed:[/] {escape(str(path))}\n  {escape(why)}", soft_wrap=True)


async def _place(request: ReplayRequest, clock: Clock, taken: set[int]) -> tuple[Sender, RunningSession | None]:
    """In whose name it is sent, and the class when one was named."""
    running = await ask_running_sessions(request.gateway_url, request.token)
    if request.class_:
        session = choose_session(running.sessions, request.class_)
        chosen = choose_participant(session, request.member, clock(), taken)
        return Sender(chosen.participant.member_id, session.session_id, request.positions), session
    if running.member_id is not None:
        return Sender(running.member_id, None, request.positions), None
    if not request.member.isdecimal():
        raise PacelineError("A hub's token sends for anybody: say for whom", "Give --class, or --member with the member's id.")
    return Sender(int(request.member), None, request.positions), None


def _choose_timing(
    request: ReplayRequest, recording: Recording, session: RunningSession | None, now_ms: int, console: Console
) -> Timing:
    """As it fits into the class, with one line that says which and what follows for the totals."""
    if session is None:
        return Timing.SHIFT
    timing = fitting_timing(recording, request.speed, now_ms, session.started_at_ms)
    length, running = _span(recording.duration_s), _span((now_ms - session.started_at_ms) / 1000)
    if timing is Timing.SQUEEZE:
        squeezed = _span(recording.duration_s / request.speed)
        why = (
            f"squeezed into {squeezed}, since its {length} do not fit into a class that has run for {running}: totals are "
            f"those of {squeezed}. --shift keeps its seconds; those before the class do not count in it"
        )
    elif request.speed:
        why = f"moved as a whole (--shift), since its {length} fit into the class: totals are those of the recording"
    else:
        why = f"moved as a whole (--shift): of its {length}, those that lie before the class's {running} do not count in it"
    console.print(escape(f"{recording.file}: {why}."), soft_wrap=True, highlight=False)
    return timing


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


async def _send(
    request: ReplayRequest, recording: Recording, sender: Sender, clock: Clock, console: Console, *, timing: Timing
) -> None:
    history = _is_history(timing, recording, clock())
    uplink = HttpUplink(request.gateway_url, request.token, random.Random(), history=history)  # noqa: S311 - spreads retries
    total = recording.records.height
    try:
        with progress(Path(recording.file).name, total, console) as done:
            await play(
                recording,
                sender,
                uplink,
                clock,
                timing=timing,
                speed=request.speed,
                on_progress=done,
            )
    finally:
        await uplink.close()
    dropped = "".join(f", {count} implausible {name} left out" for name, count in recording.dropped.items())
    what = f"{recording.file}: {total} records for member {sender.member_id}: {uplink.totals}{dropped}"
    console.print(escape(what), soft_wrap=True)
    if uplink.totals.rejected and not uplink.totals.accepted:
        raise PacelineError("The gateway took none of its events", uplink.totals.first_refusal)


def _is_history(timing: Timing, recording: Recording, now_ms: int) -> bool:
    """Whether the events are older than the door's ordinary limit; too old ones are refused before anything is sent."""
    if timing is not Timing.ORIGINAL:
        return False
    if not recording.has_clock:
        raise PacelineError("This recording knows no date, so it has no original time", "Use --shift.")
    age_ms = now_ms - recording.start_ms
    if age_ms > HISTORY_OLDEST_MS:
        raise PacelineError(f"It is {age_ms // 86_400_000} days old; seconds are kept for 730 days", "Use --shift.")
    return age_ms > OLDEST_MS - 3_600_000
