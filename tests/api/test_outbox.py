"""What a transaction owes to Kafka arrives: all of it, in order, and nothing that was rolled back."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from api.directory.models import OutboxRow
from api.directory.outbox import KEEP_PUBLISHED_MS, Relay, owe_event, owe_record, turns
from infra.clock import system_clock
from infra.kafka import open_consumer, read_to_end
from infra.ordered_publisher import Outgoing
from infra.postgres import open_connection, open_engine
from infra.settings import Settings, child_environment
from schemas.directory import MemberRecord, directory_decoder, directory_key
from schemas.events import MarkerAdded, app_event_decoder
from schemas.topics import APP_EVENTS, DIRECTORY, Topic
from tests import hostile
from tests.api.running_api import own_database
from tests.running import ROOT, settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers
CUT_OFF = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'paceline-outbox' AND datname = current_database()"""


@pytest.fixture(scope="module")
def settings(kafka_only: Settings, postgres_only: Settings) -> Settings:
    """A database of its own, where no other relay leads."""
    assert kafka_only is postgres_only
    return own_database(postgres_only, "outbox_test")


@pytest.fixture(scope="module")
def sessions(settings: Settings) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(settings)
    yield sessionmaker(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def empty(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as db:
        db.execute(delete(OutboxRow))


def _marker(session_id: str, number: int) -> MarkerAdded:
    return MarkerAdded(
        event_id=f"{session_id[:8]}-{number:06}",
        session_id=session_id,
        marker_type="m",
        label=str(number),
        event_time_ms=system_clock(),
    )


def _waiting(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as db:
        waits = OutboxRow.published_at_ms.is_(None) & OutboxRow.fault.is_(None)
        return db.scalar(select(func.count()).where(waits)) or 0


def _published(settings: Settings, session_ids: set[str]) -> dict[str, list[str]]:
    """Labels by session, in Kafka's order, doubles included."""
    consumer = open_consumer(settings)
    found: dict[str, list[str]] = defaultdict(list)
    for message in read_to_end(consumer, APP_EVENTS):
        if message.key() == hostile.SESSION.encode():
            continue  # what another test left
        event = app_event_decoder.decode(message.value() or b"")
        if event.session_id in session_ids and isinstance(event, MarkerAdded):
            assert dict(message.headers() or [])["event_id"] == event.event_id.encode()
            assert message.key() == event.session_id.encode()
            found[event.session_id].append(event.label)
    consumer.close()
    return found


def _first_sights(labels: list[str]) -> list[int]:
    return [int(label) for label in dict.fromkeys(labels)]


def test_a_relay_killed_after_publishing_loses_and_disorders_nothing(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    session_ids = [str(uuid4()) for _ in range(4)]

    def write(session_id: str) -> None:
        for number in range(60):
            with sessions.begin() as db:
                owe_event(db, _marker(session_id, number))
                if number % 10 == 9:
                    db.rollback()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, session_ids[:2]))
        command = [sys.executable, "-m", "tests.api.dying_relay"]
        died = subprocess.run(
            command, env=child_environment(settings), cwd=ROOT, timeout=60, check=False, capture_output=True, text=True
        )
        assert died.returncode == 9, died.stderr
        assert _waiting(sessions) == 108
        relay = Relay(settings, system_clock)
        relay.start()
        list(pool.map(write, session_ids[2:]))
    wait_until(lambda: _waiting(sessions) == 0, "the outbox is empty")
    relay.stop()
    committed = [number for number in range(60) if number % 10 != 9]
    found = _published(settings, set(session_ids))
    assert {s: _first_sights(found[s]) for s in session_ids} == dict.fromkeys(session_ids, committed)
    assert sum(len(labels) for labels in found.values()) == 4 * 54 + 108


def test_a_record_and_the_events_after_it_never_travel_together() -> None:
    def message(topic: Topic, number: int) -> Outgoing:
        return Outgoing(topic.name, b"", b"", str(number))

    owed = [message(t, n) for n, t in enumerate([DIRECTORY, DIRECTORY, APP_EVENTS, APP_EVENTS, DIRECTORY, APP_EVENTS])]
    assert [[m.event_id for m in turn] for turn in turns(owed)] == [["0", "1"], ["2", "3"], ["4"], ["5"]]


def test_a_directory_record_is_published_under_its_key(settings: Settings, sessions: sessionmaker[Session]) -> None:
    record = MemberRecord(member_id=9_000_000_001)
    with sessions.begin() as db:
        owe_record(db, record, str(uuid4()), system_clock())
    with open_connection(settings) as connection:
        Relay(settings, system_clock).publish_waiting(connection)
    consumer = open_consumer(settings)
    found = {message.key(): message.value() for message in read_to_end(consumer, DIRECTORY)}
    consumer.close()
    assert directory_decoder.decode(found[directory_key(record)] or b"") == record


def test_only_one_of_two_relays_leads_and_the_other_takes_over(settings: Settings, sessions: sessionmaker[Session]) -> None:
    first, second = Relay(settings, system_clock), Relay(settings, system_clock)
    first.start()
    session_id = str(uuid4())
    with sessions.begin() as db:
        owe_event(db, _marker(session_id, 0))
    wait_until(lambda: _waiting(sessions) == 0, "the first publishes")
    second.start()
    first.stop()
    with sessions.begin() as db:
        owe_event(db, _marker(session_id, 1))
    wait_until(lambda: _waiting(sessions) == 0, "the second publishes")
    second.stop()
    assert _published(settings, {session_id}) == {session_id: ["0", "1"]}


def test_a_lost_connection_is_replaced(settings: Settings, sessions: sessionmaker[Session]) -> None:
    relay = Relay(settings, system_clock)
    relay.start()
    session_id = str(uuid4())
    for number in range(3):
        with sessions.begin() as db:
            owe_event(db, _marker(session_id, number))
        wait_until(lambda: _waiting(sessions) == 0, "published in spite of it")
        with sessions.begin() as db:
            db.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'paceline-outbox'")
            )
    relay.stop()
    assert _first_sights(_published(settings, {session_id})[session_id]) == [0, 1, 2]


def test_while_kafka_is_away_rows_wait_and_the_relay_can_stop(settings: Settings, sessions: sessionmaker[Session]) -> None:
    with temporary_home() as home:
        nowhere = settings.model_copy(update={"kafka_port": settings_in(home).kafka_port})
    relay = Relay(nowhere, system_clock)
    relay.start()
    session_id = str(uuid4())
    with sessions.begin() as db:
        owe_event(db, _marker(session_id, 0))
    relay.stop()
    assert not relay._thread.is_alive()
    assert _waiting(sessions) == 1


def test_a_row_that_kafka_can_never_take_is_set_aside_with_its_fault(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    session_id = str(uuid4())
    with sessions.begin() as db:
        owe_event(db, _marker(session_id, 0))
        db.execute(update(OutboxRow).values(value=b"x" * 5_000_000))
        owe_event(db, _marker(session_id, 1))
    relay = Relay(settings, system_clock)
    with open_connection(settings) as connection:
        relay.publish_waiting(connection)
    with sessions.begin() as db:
        fault, published = db.execute(
            select(OutboxRow.fault, OutboxRow.published_at_ms).where(OutboxRow.event_id.endswith("-000000"))
        ).one()
    assert "large" in fault.lower()
    assert published is None
    assert _published(settings, {session_id}) == {session_id: ["1"]}


def test_published_rows_are_removed_after_an_hour(settings: Settings, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as db:
        owe_event(db, _marker(str(uuid4()), 0))
    relay = Relay(settings, lambda: system_clock() - KEEP_PUBLISHED_MS)
    with open_connection(settings) as connection:
        relay.publish_waiting(connection)
    relay = Relay(settings, lambda: system_clock() + 1000)
    relay.start()

    def gone() -> bool:
        with sessions.begin() as db:
            return db.scalar(select(func.count(OutboxRow.id))) == 0

    wait_until(gone, "purged")
    relay.stop()
