"""Asks Kafka, the warehouse and PostgreSQL. Each answers, or is the Trouble that it is; none is waited for long."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # its stubs do not list what it offers
from urllib3.exceptions import HTTPError

from infra.clock import Clock
from infra.dead_letters import read_dead_letters
from infra.doctor.facts import Drift, KafkaFacts, PostgresFacts, TopicFacts, Trouble, WarehouseFacts
from infra.errors import PacelineError
from infra.kafka import ClusterAsker, ends, open_consumer, topic_config
from infra.migrate import newest_control_plane_revision, newest_warehouse_version
from infra.postgres import open_connection, unreachable
from infra.settings import Settings
from infra.warehouse import open_client, refused
from schemas.topics import DAY_MS, DEAD_LETTERS, TOPICS

PROBE_S = 6.0
LETTERS_MAX = 50_000
"""More are counted, not read."""
WAREHOUSE_ASKED = {
    "server_version": "SELECT version()",
    "now_ms": "SELECT toUnixTimestamp64Milli(now64(3))",
    "version": "SELECT max(version) FROM schema_versions",
    "disk_free_bytes": "SELECT min(unreserved_space) FROM system.disks WHERE name = 'default'",
    "most_parts": (
        "SELECT max(parts) FROM (SELECT count() AS parts FROM system.parts"
        " WHERE active AND database = currentDatabase() GROUP BY table)"
    ),
}
POSTGRES_ASKED = {
    "now_ms": "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
    "connections": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "connections_max": "SELECT current_setting('max_connections')::int",
}
PEOPLE = "SELECT count(*) FILTER (WHERE role = 'trainer'), count(*) FILTER (WHERE role = 'admin') FROM users WHERE active"
OWED = """
    SELECT count(*) FILTER (WHERE fault IS NULL), count(fault),
           coalesce((extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE fault IS NULL)) * 1000)::bigint, 0)
    FROM outbox WHERE published_at IS NULL"""


def kafka(settings: Settings, clock: Clock) -> KafkaFacts:
    """Brokers, topics, their settings where we may see them, and dead letters."""
    try:
        asker = ClusterAsker(settings)
        cluster = asker.ask(PROBE_S)
        present = {topic.name: cluster.topics[topic.name] for topic in TOPICS if topic.name in cluster.topics}
        waiting, today = _letters(settings, clock()) if DEAD_LETTERS.name in present else (None, 0)
    except PacelineError as failure:
        return KafkaFacts(trouble=Trouble(failure.problem, failure.remedy))
    except KafkaException as failure:
        return KafkaFacts(
            trouble=Trouble(f"Kafka at {settings.kafka_address} answers with a fault: {failure}", "See its logs.")
        )
    topics = []
    for topic in (topic for topic in TOPICS if topic.name in present):
        parts = present[topic.name].partitions.values()
        replicas = min((len(part.replicas) for part in parts), default=0)
        in_step = all(len(part.isrs) == len(part.replicas) for part in parts)
        topics.append(TopicFacts(topic.name, len(parts), topic.partitions, replicas, in_step))
    return KafkaFacts(
        brokers=len(cluster.brokers),
        missing=tuple(topic.name for topic in TOPICS if topic.name not in present),
        topics=tuple(topics),
        drift=tuple(_drift(asker.admin, settings, set(present))),
        letters_waiting=waiting,
        letters_today=today,
    )


def warehouse(settings: Settings, clock: Clock) -> WarehouseFacts:
    """Versions, clock, room and parts, asked as the writer."""
    try:
        with open_client(settings, "writer", connect_timeout=PROBE_S, send_receive_timeout=PROBE_S) as client:
            found: dict[str, Any] = {}
            for name, asked in WAREHOUSE_ASKED.items():
                before_ms = clock()
                with _unless_refused(name):
                    found[name] = client.query(asked).result_rows[0][0]
                if name == "now_ms" and name in found:
                    found["clock_ahead_ms"] = _ahead(int(found.pop(name)), before_ms, clock())
    except (ClickHouseError, HTTPError, OSError) as failure:
        known = refused(settings, "writer", failure)
        return WarehouseFacts(trouble=Trouble(known.problem, known.remedy))
    return WarehouseFacts(newest_version=newest_warehouse_version(), **found)


def postgres(settings: Settings, clock: Clock) -> PostgresFacts:
    """Versions, clock, connections, people, and what is owed to Kafka."""
    try:
        with open_connection(settings) as connection:
            connection.execute(f"SET statement_timeout = {round(PROBE_S * 1_000)}")
            found: dict[str, Any] = {"server_version": connection.info.server_version // 10_000}
            for name, asked in POSTGRES_ASKED.items():
                before_ms = clock()
                found[name] = int(_one(connection, asked)[0])
                if name == "now_ms":
                    found["clock_ahead_ms"] = _ahead(found.pop(name), before_ms, clock())
            with contextlib.suppress(psycopg.errors.UndefinedTable):
                found["revision"] = _one(connection, "SELECT version_num FROM alembic_version")[0]
                found["trainers"], found["admins"] = _one(connection, PEOPLE)
                found["owed"], found["refused"], found["owed_for_ms"] = _one(connection, OWED)
    except psycopg.Error as failure:
        known = unreachable(failure)
        return PostgresFacts(trouble=Trouble(known.problem, known.remedy))
    return PostgresFacts(newest_revision=newest_control_plane_revision(), **found)


def _one(connection: psycopg.Connection, asked: str) -> tuple[Any, ...]:
    found = connection.execute(asked.encode()).fetchone()
    return found or (None,)


@contextlib.contextmanager
def _unless_refused(name: str) -> Iterator[None]:
    """A writer on somebody's server may not see everything; tables that nobody made have no version."""
    try:
        yield
    except ClickHouseError as failure:
        denied, missing = "ACCESS_DENIED" in str(failure), name == "version" and "UNKNOWN_TABLE" in str(failure)
        if not denied and not missing:
            raise


def _ahead(theirs_ms: int, before_ms: int, after_ms: int) -> int:
    """By how much their clock is ahead; nothing while it lies between the moments of asking and hearing."""
    return theirs_ms - after_ms if theirs_ms > after_ms else min(0, theirs_ms - before_ms)


def _drift(admin: Any, settings: Settings, present: set[str]) -> Iterator[Drift]:
    topics = [topic for topic in TOPICS if topic.name in present]
    asked = [ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in topics]
    if not asked:
        return
    answers = {resource.name: answer for resource, answer in admin.describe_configs(asked, request_timeout=PROBE_S).items()}
    for topic in topics:
        try:
            found = {name: entry.value for name, entry in answers[topic.name].result(PROBE_S).items()}
        except (KafkaException, TimeoutError):  # the right to see settings is not among those we need
            continue
        for name, declared in topic_config(topic, settings).items():
            if not _same(found.get(name), declared):
                yield Drift(topic.name, name, declared, str(found.get(name)))


def _same(found: str | None, declared: str) -> bool:
    try:
        return found is not None and float(found) == float(declared)
    except ValueError:
        return found == declared


def _letters(settings: Settings, now_ms: int) -> tuple[int, int]:
    """How many wait, and how many of them came within a day."""
    consumer = open_consumer(settings)
    try:
        low, high = ends(consumer, DEAD_LETTERS.name, 0, PROBE_S)
    finally:
        consumer.close()
    if high - low > LETTERS_MAX:
        return high - low, high - low
    if high == low:
        return 0, 0
    waiting = [letter for letter in read_dead_letters(settings).values() if letter.state == "waiting"]
    return len(waiting), sum(letter.rejected.rejected_at_ms > now_ms - DAY_MS for letter in waiting)
