"""How fast the live shard is: `python -m tests.bench.shard_speed [members]`. Writes figures of CPU time, asserts nothing."""

import pickle
import sys
import time
from collections.abc import Iterator

from pipelines.steps.shard import LiveShard
from schemas.directory import Participant, SessionRecord
from schemas.events import Reading

STARTED_MS = 1_763_712_000_000
CLASS_SIZE = 40
SECONDS = 90


def main() -> None:
    """Heart rates of many members at 1 Hz in batches of several sizes, then with all four metrics and intervals."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for rich in (False, True):
        for size in (1000, 50):
            measure(members, size, rich)


def measure(members: int, size: int, rich: bool) -> None:
    shard = LiveShard.restore(None)
    sessions = [record(number, min(CLASS_SIZE, members)) for number in range(max(members // CLASS_SIZE, 1))]
    for session in sessions:
        shard.put_session(session)
    taken, shown, ticked, count, worst = 0.0, 0.0, 0.0, 0, 0.0
    for second in range(SECONDS):
        events = list(second_of(sessions, second, rich))
        measuring = second >= SECONDS - 10
        every = max(len(events) // size // 20, 1)
        for number, begin in enumerate(range(0, len(events), size)):
            at = time.process_time()
            shard.readings(events[begin : begin + size])
            done = time.process_time()
            shard.take_alerts()
            if number % every == 0:
                shard.take_live(STARTED_MS + second * 1000 + 900)
            after = time.process_time()
            if measuring:
                taken, shown, worst = taken + done - at, shown + after - done, max(worst, done - at)
        at = time.process_time()
        shard.tick(STARTED_MS + second * 1000 + 999, caught_up=True)
        shard.take_minutes()
        if measuring:
            ticked, count = ticked + time.process_time() - at, count + len(events)
    at = time.process_time()
    state = shard.snapshot()
    snapshot_s = time.process_time() - at
    at = time.process_time()
    stored = len(pickle.dumps(state))
    pickle_s = time.process_time() - at
    rows = len(sessions) * CLASS_SIZE
    what = "four metrics + RR" if rich else "heart rate"
    lines = (
        f"{rows} members, {what}, batches of {size}:",
        f"  readings {taken / count * 1e6:.2f} us/event, worst batch {worst * 1e3:.1f} ms",
        f"  live messages 20 times a second {shown / count * 1e6:.2f} us/event",
        f"  tick {ticked / 10 * 1e3:.1f} ms",
        f"  snapshot {stored / rows:.0f} bytes/member, {snapshot_s * 1e3:.0f} ms, pickled in {pickle_s * 1e3:.0f} ms",
    )
    sys.stdout.write("\n".join(lines) + "\n")


def record(number: int, size: int) -> SessionRecord:
    people = tuple(
        Participant(
            member_id=number * 1000 + i + 1,
            name=f"Member {i}",
            sex="female",
            age_years=30,
            mass_kg=65,
            resting_heart_rate_bpm=60,
            ftp_watts=200,
            heart_rate_zone_floors_bpm=(95, 114, 133, 152, 171),
        )
        for i in range(size)
    )
    return SessionRecord(
        session_id=f"{number:08x}-0000-7000-8000-000000000001",
        class_id=number + 1,
        class_name="Spin",
        class_type="spin",
        started_at_ms=STARTED_MS,
        participants=people,
    )


def second_of(sessions: list[SessionRecord], second: int, rich: bool) -> Iterator[Reading]:
    for session in sessions:
        for member in session.participants:
            member_id, wobble = member.member_id, (second * 7 + member.member_id * 13) % 17
            at_ms = STARTED_MS + second * 1000 + member_id % 1000
            beat = 400 + wobble
            common = {"member_id": member_id, "device_id": "d", "event_time_ms": at_ms, "received_time_ms": at_ms + 40}
            event = {"event_id": f"{member_id}:{second}", "session_id": session.session_id} | common
            rr = (beat, beat + 5) if rich else ()
            yield Reading(type="heart_rate", heart_rate_bpm=140 + wobble, rr_ms=rr, **event)  # type: ignore[arg-type]  # built by name
            if rich:
                yield Reading(type="power", power_watts=180 + wobble, **event)  # type: ignore[arg-type]  # built by name
                yield Reading(type="cadence", cadence_rpm=80.0 + wobble, **event)  # type: ignore[arg-type]  # built by name
                yield Reading(type="speed", speed_mps=8.0 + wobble / 10, **event)  # type: ignore[arg-type]  # built by name


if __name__ == "__main__":
    main()
