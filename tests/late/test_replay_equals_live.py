"""The same log gives the same rows: lived through or read at a hundredfold, in one batch or in thousands, restarted or not."""

import random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.events import CheckedIn, Reading, SessionEnded, SessionPaused, SessionResumed
from schemas.tables import (
    ALERTS,
    APP_EVENTS,
    CLASS_SUMMARIES,
    MEMBER_MINUTES,
    MEMBER_SUMMARIES,
    SUMMARY_CORRECTIONS,
    TELEMETRY_1S,
    TELEMETRY_RAW,
)
from schemas.topics import DEAD_LETTERS, LIVE
from tests.late.small_world import Row, SmallWorld
from tests.late.test_late_data import ENDED, RECORD, WITHOUT_SHRINKING, measured
from tests.pipelines.steps.people import SESSION, STARTED_MS, reading

END_MS = ENDED.ended_at_ms or 0
FOLLOWS_THE_CLOCK = {"lost_signal", "low_attendance"}
"""Alerts of what did not come: told while it is so, and never by a flow that reads the past. Their number is left out too."""
POISON = b'{"type":"heart_rate","event_id":"poisoned","member_id":1}'


def told(world: SmallWorld) -> dict[str, Any]:
    """Every row of every table, and what a page would show at the end; when it was read is left out."""
    tables = (TELEMETRY_RAW, TELEMETRY_1S, APP_EVENTS, MEMBER_MINUTES, MEMBER_SUMMARIES, CLASS_SUMMARIES, SUMMARY_CORRECTIONS)
    rows: dict[str, list[Row]] = {table.name: world.tables.shown(table, "alerts") for table in tables}
    measured_alerts = [row for row in world.tables.shown(ALERTS) if row["rule"] not in FOLLOWS_THE_CLOCK]
    rows["alerts"] = [
        {name: value for name, value in row.items() if name not in {"repeated", "version", "updated_at"}}
        for row in measured_alerts
    ]
    return {**rows, "picture": picture(world), "letters": len(world.messages(DEAD_LETTERS.name))}


def picture(world: SmallWorld) -> dict[int, Row]:
    """Member → column → value after all live messages; states follow the clock."""
    members: list[int] = []
    shown: dict[int, Row] = {}
    for message in world.messages(LIVE.name):
        members = message["members"] if message["kind"] == "key" else members
        for name, values in message["columns"].items():
            for row, value in zip(message["rows"], values, strict=True):
                if name != "state":
                    shown.setdefault(members[row], {})[name] = value
    return shown


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What differs, at most two rows of each table: a whole class would fill the screen."""
    found: dict[str, Any] = {}
    for name, mine in one.items():
        if isinstance(mine, list) and len(mine) == len(other[name]):
            pairs = [pair for pair in zip(mine, other[name], strict=True) if pair[0] != pair[1]]
            found |= {name: pairs[:2]} if pairs else {}
        elif mine != other[name]:
            found[name] = (f"{mine}"[:600], f"{other[name]}"[:600])
    return found


def begin() -> SmallWorld:
    world = SmallWorld(STARTED_MS)
    world.put(RECORD)
    world.app_events(
        CheckedIn(event_id="checked-in-1", session_id=SESSION, member_id=1, event_time_ms=STARTED_MS),
        SessionPaused(event_id="paused-11", session_id=SESSION, event_time_ms=STARTED_MS + 50_000),
        SessionResumed(event_id="resumed-11", session_id=SESSION, event_time_ms=STARTED_MS + 60_000),
    )
    return world


def end(world: SmallWorld, *, now_ms: int) -> SmallWorld:
    world.put(ENDED)
    world.app_events(SessionEnded(event_id="ended-111", session_id=SESSION, event_time_ms=END_MS))
    for second in range(12):
        world.at(now_ms + second * 1_000)
    return world


def lived(log: list[Reading | bytes]) -> SmallWorld:
    """As it happened: a batch a second, the timer every second."""
    world = begin()
    second: list[Reading | bytes] = []
    for message in log:
        due_ms = message.received_time_ms if isinstance(message, Reading) else 0
        while due_ms > world.clock.now_ms + 1_000:
            world.readings(second)
            second = []
            world.at(world.clock.now_ms + 1_000)
        second.append(message)
    world.readings(second)
    world.at(END_MS)
    return end(world, now_ms=END_MS + 1_000)


def replayed(log: list[Reading | bytes], cuts: list[int], restarts: set[int], now_ms: int) -> SmallWorld:
    """Days later and as fast as it goes: the timer hardly ever comes, and the flow knows that it is behind."""
    world = begin()
    world.at(now_ms, caught_up=False)
    for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(log)], strict=True)):
        world.readings(log[a:b])
        if number in restarts:
            world.restart()
        if number % 5 == 0:
            world.at(world.clock.now_ms + 40, caught_up=False)
    return end(world, now_ms=world.clock.now_ms + 1_000)


@settings(max_examples=3, deadline=None, phases=WITHOUT_SHRINKING)
@given(st.data())
def test_a_class_lived_through_and_the_same_log_read_later_in_any_batches_are_one(data: st.DataObject) -> None:
    log: list[Reading | bytes] = [event for event in data.draw(measured()) if event.event_time_ms <= END_MS]
    for at in data.draw(st.lists(st.integers(0, len(log)), max_size=3)):
        log.insert(at, POISON)
    for at in data.draw(st.lists(st.integers(1, len(log) - 1), max_size=5)):
        log.insert(at, log[at - 1])
    cuts = sorted(data.draw(st.sets(st.integers(1, len(log) - 1), max_size=30)))
    restarts = data.draw(st.sets(st.integers(0, 30), max_size=3))
    live = lived(log)
    later_ms = END_MS + data.draw(st.sampled_from([3_000, 3_600_000, 6 * 24 * 3_600_000]))
    assert differences(told(replayed(log, cuts, restarts, later_ms)), told(live)) == {}
    assert live.tables.shown(CLASS_SUMMARIES)[0]["revision"] == 1


def test_one_batch_and_a_batch_for_every_event_are_one() -> None:
    chance = random.Random(4)
    log: list[Reading | bytes] = []
    for s in range(200):
        for who in (1, 2, 3):
            at_ms = s * 1000 + who * 31
            log.append(reading(who, at_ms, heart_rate_bpm=170 + s % 20 if who == 1 else 120 + chance.randrange(9)))
            log.append(reading(who, at_ms + 400, device_id="bike", power_watts=chance.randrange(90, 260)))
    one, each = (replayed(log, cuts, set(), END_MS + 3_000) for cuts in ([], list(range(1, len(log)))))
    assert differences(told(one), told(each)) == {}
    assert one.tables.shown(ALERTS)


@settings(max_examples=2, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.data())
def test_disorder_within_a_minute_gives_the_totals_of_the_order_whatever_the_batches(data: st.DataObject) -> None:
    """telemetry_1s is left out: of values of one second in different batches it keeps the one inserted last (decision 0008)."""
    events = [event for event in data.draw(measured()) if event.event_time_ms <= END_MS - 60_000]
    delays = data.draw(st.lists(st.integers(0, 55_000), min_size=50, max_size=50))
    arrived = [replace(e, received_time_ms=e.event_time_ms + 40 + delays[n % 50]) for n, e in enumerate(events)]
    log: list[Reading | bytes] = sorted(arrived, key=lambda event: event.received_time_ms)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(log) - 1), max_size=30)))
    names = ("telemetry_raw", "member_minutes", "member_summaries", "class_summaries")
    one, other = told(lived(log)), told(replayed(log, cuts, set(), END_MS + 9_000))
    assert differences({name: one[name] for name in names}, {name: other[name] for name in names}) == {}


def test_a_second_keeps_the_newest_of_a_batch_and_of_several_batches_that_of_the_last() -> None:
    """What docs/outages.md promises of telemetry_1s; everything that is computed rests on the newest, whatever the batches."""

    def beat(at_ms: int, bpm: int) -> Reading:
        return reading(1, at_ms, heart_rate_bpm=bpm)

    def second_after(*batches: list[Reading]) -> int:
        world = begin()
        for batch in batches:
            world.readings(batch)
        world.at(END_MS)
        end(world, now_ms=END_MS + 1_000)
        [summary] = [row for row in world.tables.shown(MEMBER_SUMMARIES) if row["member_id"] == 1]
        assert summary["heart_rate_avg_bpm"] == 160
        assert len(world.tables.shown(TELEMETRY_RAW)) == 3
        [second] = world.tables.shown(TELEMETRY_1S)
        return int(second["heart_rate_bpm"])

    first, middle, newest = beat(4_800, 150), beat(5_200, 155), beat(5_700, 160)
    assert second_after([newest, first, middle]) == 160
    assert second_after([first], [middle], [newest]) == 160, "in order the batches change nothing"
    assert second_after([first, newest], [middle]) == 155
