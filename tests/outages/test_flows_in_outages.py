"""What becomes of a class while a server is away, full or fed with poison: what is shown, what is told, what is kept.

One house for all; each test has its own class. `docs/outages.md` tells the same in words.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import msgspec
import pytest

from infra.dead_letters import read_dead_letters
from infra.migrate import migrate_warehouse
from schemas.directory import SessionRecord
from schemas.topics import DEVICE_EVENTS
from tests.outages.house import House, a_class, end, full_disk, house
from tests.pipelines.flows.stage import FlowProcess, Stage, WarehouseProcess, ended, new_session, now_ms, started
from tests.pipelines.flows.test_live import newest
from tests.running import settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers
MINUTE_MS = 60_000
VIEWS = {
    "v_telemetry_raw": "",
    "v_telemetry_1s": "",
    "v_app_events": "",
    "v_member_minutes": "version",
    "v_member_summaries": "alerts, revision",
    "v_class_summaries": "alerts, revision",
    "v_summary_corrections": "",
}
"""Everything that is stored but alerts, without what follows the clock: how many signals were lost, and how often a summary was
written anew because after an outage the end of a class was read before its last values."""


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house() as found:
        yield found


def opened(home: House, members: range, minutes: int) -> SessionRecord:
    session = home.stage.open_session(new_session(members, now_ms() // MINUTE_MS * MINUTE_MS - minutes * MINUTE_MS))
    home.stage.tell(started(session))
    return session


def stored(home: House, session: SessionRecord) -> int:
    return home.stage.count("v_telemetry_raw", session.session_id)


def finished(home: House, session: SessionRecord, minutes: int) -> SessionRecord:
    """As the API ends a class: its record first, then the event."""
    at_ms = session.started_at_ms + minutes * MINUTE_MS
    done = home.stage.open_session(msgspec.structs.replace(session, state="completed", ended_at_ms=at_ms))
    home.stage.tell(ended(done, at_ms))
    return done


def test_ten_minutes_of_a_class_without_a_warehouse_are_shown_live_and_stored_afterwards(home: House) -> None:
    session = opened(home, range(820_001, 820_011), 10)
    events = a_class(session, 600)
    home.warehouse.kill()
    home.stage.send(events)
    finished(home, session, 10)
    wait_until(
        lambda: newest(home.stage, session.session_id).get(820_010, {}).get("heart_rate_at_ms") == last_ms(session), "live"
    )
    wait_until(lambda: "The warehouse" in home.why_not_ready("store"), "the operator is told")
    assert home.why_not_ready("live") == "", "what the trainer looks at goes on"
    assert httpx.get(f"{home.store.url}/health", timeout=10).status_code == 200, "nobody restarts it for this"
    assert home.store.metric("paceline_store_retries_total") > 0
    home.warehouse.start()
    wait_until(lambda: stored(home, session) == len(events), "every value")
    wait_until(lambda: home.stage.count("v_member_minutes", session.session_id) == 100, "every minute")
    wait_until(lambda: home.stage.count("v_class_summaries", session.session_id) == 1, "the summary")
    wait_until(lambda: home.why_not_ready("store") == "", "ready again")


def last_ms(session: SessionRecord) -> int:
    return session.started_at_ms + 599_000


def test_while_kafka_is_away_flows_say_so_stay_and_go_on_with_nothing_lost(home: House) -> None:
    session = opened(home, range(820_021, 820_031), 2)
    events = a_class(session, 120)
    half = len(events) // 2
    home.stage.send(events[:half])
    wait_until(lambda: stored(home, session) == half, "the first minute")
    pids = [flow.process.pid for flow in home.flows.values() if flow.process]
    home.kafka.kill()
    for flow in home.flows:
        wait_until(lambda flow=flow: "Kafka" in home.why_not_ready(flow), f"{flow} says that Kafka is away")
    assert stored(home, session) == half, "what is stored can be read"
    time.sleep(2)
    assert [flow.process.poll() for flow in home.flows.values() if flow.process] == [None, None]
    home.kafka.start()
    home.stage.send(events[half:])
    finished(home, session, 2)
    wait_until(lambda: stored(home, session) == len(events), "every value")
    wait_until(lambda: home.stage.count("v_class_summaries", session.session_id) == 1, "the summary")
    for flow in home.flows:
        wait_until(lambda flow=flow: home.why_not_ready(flow) == "", f"{flow} is ready again")
    assert [flow.process.pid for flow in home.flows.values() if flow.process and flow.process.poll() is None] == pids


def test_poison_one_in_a_thousand_costs_nothing_but_its_letters(home: House) -> None:
    session = opened(home, range(820_041, 820_061), 5)
    events = a_class(session, 300)
    poison = [b"\xff\xfe not json", b'{"type":"heart_rate"}', b"[" * 20_000, b""]
    places = []
    for number in range(0, len(events), 1_000):
        home.stage.send(events[number : number + 1_000])
        places.append(home.stage.send_raw(DEVICE_EVENTS, poison[number // 1_000 % 4], session.session_id.encode()))
    wait_until(lambda: stored(home, session) == len(events), "every good event")

    def letters() -> list[str]:
        found = [letter.rejected.place for letter in read_dead_letters(home.settings).values()]
        return sorted(place for place in found if place in places)

    wait_until(lambda: letters() == sorted(places), "one letter each, though both flows met them")
    wait_until(lambda: newest(home.stage, session.session_id).get(820_060, {}).get("power_watts") == 150 + 299 % 90, "live")
    assert home.store.metric("paceline_flow_events_total", exit="rejected") >= len(places)


def test_a_full_disk_of_the_warehouse_holds_the_store_back_and_says_so(home: House) -> None:
    session = opened(home, range(820_071, 820_076), 1)
    events = a_class(session, 60)
    home.stage.send(events[:300])
    wait_until(lambda: stored(home, session) == 300, "as long as there is room")
    home.warehouse.kill()
    full = WarehouseProcess(home.settings.model_copy(update={"clickhouse_keep_free_mb": 1_000_000_000}))
    try:
        full.start()
        home.stage.send(events[300:])
        wait_until(lambda: "not enough space" in home.why_not_ready("store"), "the operator reads why")
        assert stored(home, session) == 300, "what is there can be read"
        wait_until(
            lambda: newest(home.stage, session.session_id).get(820_075, {}).get("power_watts") == 150 + 59, "live goes on"
        )
    finally:
        full.kill()
    home.warehouse.start()
    wait_until(lambda: stored(home, session) == len(events), "every value")


def test_a_full_disk_of_kafka_ends_it_with_nothing_acknowledged_lost(home: House) -> None:
    session = opened(home, range(820_081, 820_086), 1)
    events = a_class(session, 60)
    home.stage.send(events[:300])
    assert home.kafka.process
    with full_disk(home.kafka.process):
        for event in events[300:]:
            home.stage.producer.produce(DEVICE_EVENTS.name, msgspec.json.encode(event), key=session.session_id.encode())
        home.stage.producer.poll(0)
        wait_until(lambda: home.kafka.process and home.kafka.process.poll() is not None, "it ends itself")
    home.kafka.start()
    assert home.stage.producer.flush(60) == 0, "senders repeat what was not acknowledged"
    wait_until(lambda: stored(home, session) == len(events), "every value, acknowledged or repeated")


@pytest.mark.parametrize("name", ["store", "live"])
def test_a_flow_whose_memory_has_no_room_ends_and_goes_on_where_it_was(home: House, name: str) -> None:
    number = 820_091 if name == "store" else 820_101
    session = opened(home, range(number, number + 5), 1)
    events = a_class(session, 60)
    flow = home.flows[name]
    with full_disk(flow.process):
        home.stage.send(events)
        wait_until(lambda: flow.process and flow.process.poll() is not None, "it ends instead of going on without a memory")
    assert flow.process
    assert flow.process.returncode not in {0, -signal.SIGKILL}, "the supervisor starts it again"
    flow.start().wait_ready(60)
    finished(home, session, 1)
    wait_until(lambda: stored(home, session) == len(events), "every value")
    wait_until(lambda: home.stage.count("v_class_summaries", session.session_id) == 1, "the summary")
    [(seen,)] = home.stage.rows(
        "SELECT sum(seconds_seen) FROM v_member_summaries WHERE session_id = {s:UUID}", s=session.session_id
    )
    assert seen == 5 * 60


def test_the_log_of_all_these_outages_read_once_more_gives_the_same_rows(home: House) -> None:
    """Fresh flows read it at full speed into a warehouse of their own: replay equals live, whatever happened meanwhile."""
    with temporary_home() as folder:
        settings = settings_in(folder, kafka=home.settings.kafka_address, flow_epoch_s=0.5)
        warehouse = WarehouseProcess(settings)
        flows = [FlowProcess(settings, name) for name in ("store", "live")]
        try:
            warehouse.start()
            migrate_warehouse(settings)
            for flow in flows:
                flow.start().wait_ready(60)
            again = Stage(settings)
            total = "SELECT count() FROM v_class_summaries"
            wait_until(lambda: again.rows(total) == home.stage.rows(total), "every summary")
            for view, leaving_out in VIEWS.items():
                but = f" EXCEPT ({leaving_out})" if leaving_out else ""
                sql = f"SELECT *{but} FROM {view} ORDER BY ALL"
                with suppress(AssertionError):  # the comparison shows which rows there are too many or too few
                    wait_until(lambda sql=sql: len(again.rows(sql)) == len(home.stage.rows(sql)), f"{view} complete")
                kept, replayed = ({repr(row) for row in stage.rows(sql)} for stage in (home.stage, again))
                assert (sorted(kept - replayed)[:5], sorted(replayed - kept)[:5]) == ([], []), view
                assert again.rows(sql) == home.stage.rows(sql), view
            again.close()
        finally:
            for flow in flows:
                if flow.process:
                    end(flow)
            warehouse.kill()
