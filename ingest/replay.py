"""A recording sent as its devices would have sent it: how its time is laid over ours, and each event when it is due."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from infra.clock import Clock
from ingest.device_client import Uplink
from ingest.parsers.recording import Recording
from ingest.recorded_events import Clockwork, Sender, recorded_events
from schemas.events import DeviceEvent

TICK_S = 0.25


class Timing(StrEnum):
    """How the recording's clock is laid over ours.

    `shift` moves the recording as a whole, its seconds stay seconds: at speed 1 it begins now; at a higher speed it begins so
    far in the past that it catches up with now exactly at its end, and no event is ever in the future. `squeeze` begins now and
    divides its time by the speed: for watching, since totals are then those of the squeezed time. `original` keeps its times.
    """

    SHIFT = "shift"
    SQUEEZE = "squeeze"
    ORIGINAL = "original"


def lay_clock(recording: Recording, timing: Timing, speed: float, now_ms: int) -> Clockwork:
    """How this recording is laid over our clock."""
    first, length = recording.start_ms, recording.end_ms - recording.start_ms
    match timing:
        case Timing.ORIGINAL:
            return Clockwork(first, first, 1, speed)
        case Timing.SQUEEZE:
            return Clockwork(first, now_ms, 1 / speed if speed else 0, speed)
        case Timing.SHIFT:
            sending_ms = length / speed if speed else 0
            return Clockwork(first, now_ms - max(0, round(length - sending_ms)), 1, speed)


def fitting_timing(recording: Recording, speed: float, now_ms: int, class_began_ms: int) -> Timing:
    """The timing by which all of a recording counts in a running class: moved as a whole when it fits, else squeezed.

    Without a speed there is nothing to squeeze by: then it is moved, and what lies before the class does not count in it.
    """
    begins_ms = lay_clock(recording, Timing.SHIFT, speed, now_ms).event_start_ms
    return Timing.SHIFT if begins_ms >= class_began_ms or not speed else Timing.SQUEEZE


async def play(
    recording: Recording,
    sender: Sender,
    uplink: Uplink,
    clock: Clock,
    *,
    timing: Timing,
    speed: float,
    on_progress: Callable[[int], None] = lambda _records: None,
) -> None:
    """Send a whole recording, each record when it is due; returns when the last event has left by its exit."""
    began_ms = clock()
    waiting: list[DeviceEvent] = []
    records = 0
    for due_s, events in recorded_events(recording, sender, lay_clock(recording, timing, speed, began_ms)):
        ahead_s = due_s - (clock() - began_ms) / 1000
        if ahead_s > 0 or len(waiting) >= 1_000:
            await uplink.send(waiting)
            waiting = []
            on_progress(records)
            await asyncio.sleep(max(TICK_S, ahead_s) if ahead_s > 0 else 0)
        waiting.extend(events)
        records += 1
    await uplink.send(waiting)
    on_progress(records)
