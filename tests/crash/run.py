"""One run of the harness: a house full of classes, parts that die, and what it all comes to."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from schemas.alerts import Alert
from schemas.events import app_event_decoder
from schemas.tables import TELEMETRY_RAW
from tests.crash.answers import Answers, picture_differences
from tests.crash.balancer import in_front_of
from tests.crash.club import ClassPlan, found
from tests.crash.house import House
from tests.crash.hub import Hub
from tests.crash.killer import Deaths, Killer
from tests.crash.logbook import Logbook, is_complete, read_logbook
from tests.crash.measuring import KINDS, Body, make_body
from tests.crash.reference import Expected, Undisturbed
from tests.crash.stories import STORIES, Scene
from tests.crash.trainer import Trainer
from tests.crash.waiting import until, until_told
from tests.crash.watcher import Stream, Watcher

QUIET_WITHIN_S = 300.0
"""How long the house may take to work off what it was given, once nothing dies any more."""
BEHIND_S = 15.0
"""While a hub is further behind nothing more dies: what is older than 60 s when it is received raises no alerts."""
ODD = (
    ClassPlan("Paused", 60, "paused"),
    ClassPlan("Joined", 60, "joined", named=False),
    ClassPlan("Short", 60, "short"),
    ClassPlan("Silent", 40, "silent", named=False),
    ClassPlan("Empty", 0, "empty"),
    ClassPlan("Nobody", 5, "nobody"),
)


@dataclass(frozen=True)
class Form:
    """How large a run is."""

    seed: int = 1
    kills: int = 20
    members: int = 1_000
    kinds: int = 1
    """Of the five that a member's devices measure once a second: as many events a second and member."""
    pause_s: tuple[float, float] = (0.3, 3.0)
    quiet_before_s: float = 3.0
    quiet_after_s: float = 3.0
    parts: tuple[str, ...] = ()
    """Those that die; all when none is named."""
    once: tuple[str, ...] = ()
    """Those that die only once."""
    long: bool = False

    @property
    def plans(self) -> list[ClassPlan]:
        """The odd classes, and ordinary ones for all other members."""
        left = self.members - sum(plan.members for plan in ODD if plan.kind != "nobody")
        count = max(1, round(left / 130))
        sizes = [left // count + (number < left % count) for number in range(count)]
        return [*ODD, *(ClassPlan(f"Spin {n + 1}", size, named=n % 2 == 0) for n, size in enumerate(sizes))]


@dataclass
class Outcome:
    """What a run came to. `faults` is empty when nothing was lost, doubled or changed."""

    form: Form
    seconds: float
    deaths: list[Deaths]
    faults: list[str]
    facts: dict[str, str] = field(default_factory=dict)
    doubled_in_log: int = 0
    """Device events that stand in Kafka more than once."""


def run(house: House, form: Form, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Run it in a fresh, ready house."""
    return asyncio.run(_run(house, form, say))


async def _run(house: House, form: Form, say: Callable[[str], None]) -> Outcome:
    async with in_front_of(house.api_urls) as api_url, in_front_of(house.gateway_urls) as gateway_url:
        return await _run_at(house, form, say, api_url, gateway_url)


async def _run_at(house: House, form: Form, say: Callable[[str], None], api_url: str, gateway_url: str) -> Outcome:
    club = await asyncio.to_thread(found, house.settings, form.plans, 2)
    members = [member for of in club.classes for member in of.member_ids] + club.guests
    bodies = {m: make_body(form.seed, number, m, KINDS[: form.kinds]) for number, m in enumerate(members)}
    trainer = Trainer(api_url, club)
    await trainer.sign_in()
    watcher = Watcher(api_url, trainer.token, random.Random(form.seed))
    scene = Scene(gateway_url, club, bodies, trainer, watcher, form.seed, form.long)
    watching = asyncio.create_task(watcher.run())
    stories = [asyncio.create_task(STORIES[of.plan.kind](scene, of)) for of in club.classes]
    began = time.monotonic()
    killer = Killer(
        house,
        random.Random(form.seed),
        kills=form.kills,
        pause_s=form.pause_s,
        parts=form.parts,
        once=form.once,
        calm=lambda: all(hub.behind_s < BEHIND_S for hub in scene.hubs),
        say=say,
    )
    try:
        await _until_all_send(scene, form)
        say(f"     all send after {time.monotonic() - began:.1f} s")
        await asyncio.sleep(form.quiet_before_s)
        await _unless_broken(killer.run(), [watching, *stories])
        await asyncio.sleep(form.quiet_after_s)
        await asyncio.to_thread(house.wait_ready)
        scene.over.set()
        await asyncio.gather(*stories)
        seconds = time.monotonic() - began
        say(f"     all classes have ended after {seconds:.0f} s; comparing")
        faults, facts, doubled = await _judge(house, scene, bodies)
    finally:
        watcher.stop()
        for task in (watching, *stories):
            task.cancel()
        await asyncio.gather(watching, *stories, return_exceptions=True)
        await trainer.close()
    facts = {"sockets opened by the client": str(watcher.sockets), "messages replayed to it": str(watcher.replayed)} | facts
    return Outcome(form, seconds, list(killer.deaths.values()), faults, facts, doubled)


async def _until_all_send(scene: Scene, form: Form) -> None:
    wanted = form.members * 0.9 - 60
    await until(lambda: sum(len(hub.sheet.present) for hub in scene.hubs if hub.confirmed_s) >= wanted)


async def _unless_broken(work: object, tasks: list[asyncio.Task[None]]) -> None:
    """Do the work, but not longer than any of the tasks lives without a fault."""
    working = asyncio.ensure_future(work)
    while not working.done():
        await asyncio.wait([working, *tasks], timeout=1, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done() and task.exception():
                working.cancel()
                task.result()
    working.result()


async def _judge(house: House, scene: Scene, bodies: dict[int, Body]) -> tuple[list[str], dict[str, str], int]:
    answers = Answers(house.settings)
    deadline = time.monotonic() + QUIET_WITHIN_S
    try:
        async with asyncio.timeout(QUIET_WITHIN_S):
            await until_told(lambda: asyncio.to_thread(is_complete, house.settings), 0.5)
        book = await asyncio.to_thread(read_logbook, house.settings)
        faults = [*scene.watcher.faults, *(f"dead letter: {letter}" for letter in book.dead_letters)]
        readings = sent = 0
        for hub in scene.hubs:
            session_id = hub.sheet.session_id
            records = book.records[session_id]
            assert records[-1].ended_at_ms, "the end is in the directory"
            events = {event.event_id: event for _offset, event in book.app_events[session_id]}
            expected = await asyncio.to_thread(Undisturbed(records, list(events.values()), hub.sheet.ticks, bodies).answers)
            readings += expected.readings
            faults += await _compare(scene, answers, expected, hub, deadline)
            sent += len(events)
            faults += _hub_faults(hub)
        book = await asyncio.to_thread(read_logbook, house.settings)  # with the alerts that the ends of classes have cleared
        for hub in scene.hubs:
            faults += _told(scene.watcher.streams, book, hub.sheet.session_id)
        faults += _app_event_faults(scene, book, answers)
        if book.device_events != readings:
            faults.append(f"device-events holds {book.device_events} different events, {readings} were confirmed")
        totals = [hub.uplink.totals for hub in scene.hubs]
        facts = {
            "events sent": f"{readings:,}",
            "batches sent again by hubs": str(sum(t.resent for t in totals)),
            "events known to the gateway as doubled": f"{sum(t.doubled for t in totals):,}",
            "events that stand in Kafka more than once": f"{book.doubled:,}",
            "longest time a hub had to keep an event": f"{max(hub.longest_wait_s for hub in scene.hubs):.1f} s",
            "summaries written anew": str(sum(answers.revision(hub.sheet.session_id) > 1 for hub in scene.hubs)),
            "app events": str(sent),
            "requests that the trainer had to repeat": str(scene.trainer.asked_again),
            "alerts": str(len({state.alert_id for told in book.alerts.values() for _offset, state in told})),
            "states of alerts that stand in Kafka more than once": str(book.states_doubled),
        }
        return faults, facts, book.doubled
    finally:
        answers.close()


async def _compare(scene: Scene, answers: Answers, expected: Expected, hub: Hub, deadline: float) -> list[str]:
    """Views, REST and the client's last picture against the reference; the house may still be at work for a while."""
    session_id = expected.record.session_id
    rows = expected.rows[TELEMETRY_RAW].num_rows
    while time.monotonic() < deadline:
        stored = await asyncio.to_thread(answers.count, TELEMETRY_RAW, session_id)
        if stored >= rows and await asyncio.to_thread(answers.revision, session_id):
            break
        await asyncio.sleep(0.5)
    while True:
        found = await asyncio.to_thread(answers.differences, expected, hub.longest_wait_s)
        found += picture_differences(expected, scene.watcher.pictures[f"metrics:{session_id}"])
        found += await _rest_differences(scene.trainer, answers, expected)
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(2)


async def _rest_differences(trainer: Trainer, answers: Answers, expected: Expected) -> list[str]:
    """What the API says after the class, against the views that have been compared already."""
    session_id, name = expected.record.session_id, expected.record.class_name
    summary = await trainer.get(f"/api/v1/sessions/{session_id}/summary", frozenset({404}))
    if not summary.is_success:
        return [f"{name}: the API has no summary"]
    stored = await asyncio.to_thread(answers.alerts, session_id)
    told = (await trainer.get(f"/api/v1/sessions/{session_id}/alerts")).json()["alerts"]
    found = []
    if sorted(alert["alert_id"] for alert in told) != sorted(stored):
        found.append(f"{name}: the API names {len(told)} alerts, v_alerts has {len(stored)}")
    if len(summary.json()["members"]) != len(expected.record.participants):
        found.append(f"{name}: the API's summary has {len(summary.json()['members'])} members")
    return found


def _told(streams: dict[str, Stream], book: Logbook, session_id: str) -> list[str]:
    """The client saw every state of every alert and every app event once, in the log's order, from when it subscribed.

    The log may hold a state or an event twice, or an older state again, but never two that say otherwise under one name.
    """
    faults = []
    alerts, events = streams[f"alerts:{session_id}"], streams[f"events:{session_id}"]
    told: list[tuple[str, int]] = []
    states: dict[tuple[str, int], Alert] = {}
    newest: dict[str, int] = {}
    for offset, state in book.alerts[session_id]:
        name = (state.alert_id, state.version)
        if states.setdefault(name, state) != state:
            faults.append(f"topic alerts says {state} where it said {states[name]}")
        if state.version > newest.get(state.alert_id, 0):
            newest[state.alert_id] = state.version
            if offset > alerts.begun_at:
                told.append(name)
    seen = [(message["alert_id"], message["version"]) for message in alerts.messages]
    if seen != told:
        faults.append(f"alerts:{session_id}: the client saw {len(seen)} states, {len(told)} were told")
    published = dict.fromkeys(event.event_id for offset, event in book.app_events[session_id] if offset > events.begun_at)
    heard = [message["event"]["event_id"] for message in events.messages]
    if heard != list(published):
        doubled = [event_id for event_id, count in Counter(heard).items() if count > 1]
        faults.append(f"events:{session_id}: the client heard {len(heard)} of {len(published)} events, twice {doubled}")
    return faults


def _hub_faults(hub: Hub) -> list[str]:
    refused = hub.uplink.totals.rejected
    return [f"the gateway refused {dict(refused)}: {hub.uplink.totals.first_refusal}"] if refused else []


def _app_event_faults(scene: Scene, book: Logbook, answers: Answers) -> list[str]:
    """Everything the trainer was told is done is stored once, with its body; and nothing else is."""
    faults = []
    stored_ids: list[str] = []
    noted = {"marker_added", "note_added", "checked_in", "checked_out", "rating_given", "alert_acknowledged"}
    for hub in scene.hubs:
        session_id = hub.sheet.session_id
        published = {event.event_id: event for _offset, event in book.app_events[session_id]}
        stored = answers.app_events(session_id)
        if [event_id for event_id, _ in stored] != sorted(published, key=lambda i: (published[i].event_time_ms, i)):
            faults.append(f"v_app_events has {len(stored)} events of {session_id}, {len(published)} were published")
        kinds: Counter[str] = Counter()
        for event_id, body in stored:
            event = app_event_decoder.decode(body)
            kinds[event.__struct_config__.tag] += 1
            if event != published.get(event_id):
                faults.append(f"v_app_events holds {body} for {msgspec.json.encode(published.get(event_id))!r}")
            if event.__struct_config__.tag in noted and event.source != "gateway":  # which notes that a hub is behind
                stored_ids.append(event_id)
        wanted = {"session_started": 1, "session_ended": 1, "session_paused": scene.pauses.get(session_id, 0)}
        faults += [
            f"{session_id} has {kinds[kind]} {kind}, not {count}" for kind, count in wanted.items() if kinds[kind] != count
        ]
    if sorted(stored_ids) != sorted(scene.trainer.done):
        faults.append(f"{len(stored_ids)} things that the trainer did are stored, {len(scene.trainer.done)} were answered")
    return faults
