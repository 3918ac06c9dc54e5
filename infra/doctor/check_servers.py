"""Judges Kafka, the warehouse and PostgreSQL: reachable, in this release's shape, in step with the clock. Pure."""

import re
from collections.abc import Iterator

from infra.doctor.facts import Facts, KafkaFacts, PostgresFacts, TopicFacts, Trouble, WarehouseFacts
from infra.doctor.finding import Finding, Level

GIGABYTE = 1024**3
CLOCK_OFF_MS, CLOCK_WRONG_MS = 2_000, 60_000
PARTS_MANY = 300
WAREHOUSE_SINCE, POSTGRES_SINCE = (26, 9), 16
BROKERS_TO_SPARE = 3
OWED_LONG_MS = 30_000
CONNECTIONS_SHARE = 0.9
MIGRATE = "Run `paceline migrate`."
NEWER = "Start the release that did it; this one must not write to it."


def check_servers(facts: Facts) -> list[Finding]:
    """What is wrong with the servers that could be asked."""
    found: list[Finding] = []
    if facts.kafka:
        found += _unreachable("kafka", facts.kafka.trouble) or _kafka(facts.kafka, facts.expected.kafka_replication)
    if facts.warehouse:
        found += _unreachable("warehouse", facts.warehouse.trouble) or _warehouse(facts.warehouse)
    if facts.postgres:
        found += _unreachable("postgres", facts.postgres.trouble) or _postgres(facts.postgres)
    return found


def _unreachable(about: str, trouble: Trouble | None) -> list[Finding]:
    return [Finding("broken", about, trouble.problem, trouble.remedy)] if trouble else []


def _kafka(kafka: KafkaFacts, replication: int) -> list[Finding]:
    found: list[Finding] = []
    if kafka.missing:
        found.append(Finding("broken", "kafka", f"Topics are missing: {', '.join(kafka.missing)}", MIGRATE))
    for topic in kafka.topics:
        found += _topic(topic, replication)
    for drift in kafka.drift:
        problem = f"Topic {drift.topic} has {drift.setting}={drift.found} instead of {drift.declared}"
        remedy = f"Set it: kafka-configs.sh --alter --topic {drift.topic} --add-config {drift.setting}={drift.declared}"
        found.append(Finding("warning", "kafka", problem, remedy))
    if kafka.brokers >= BROKERS_TO_SPARE > replication:
        problem = f"The cluster has {kafka.brokers} brokers, but topics are made with {replication} replica(s)"
        found.append(Finding("warning", "kafka", problem, "Set PACELINE_KAFKA_REPLICATION=3 and add replicas to the topics."))
    return [*found, *_letters(kafka)]


def _topic(topic: TopicFacts, replication: int) -> Iterator[Finding]:
    if topic.partitions != topic.declared_partitions:
        problem = f"Topic {topic.name} has {topic.partitions} partitions instead of {topic.declared_partitions}"
        remedy = "Sessions would be looked for in the wrong one: make the topic anew, with its flows' memories removed."
        yield Finding("broken", "kafka", problem, remedy)
    if topic.replicas < replication:
        problem = f"Topic {topic.name} has {topic.replicas} replica(s), PACELINE_KAFKA_REPLICATION asks for {replication}"
        yield Finding("warning", "kafka", problem, "Add replicas with kafka-reassign-partitions.sh.")
    if not topic.in_step:
        problem = f"Topic {topic.name} has replicas that are behind or away"
        yield Finding("warning", "kafka", problem, "One more broker away and it may stop: look at the brokers.")


def _letters(kafka: KafkaFacts) -> Iterator[Finding]:
    if kafka.letters_today:
        problem = f"{kafka.letters_today} messages were refused within a day, and {kafka.letters_waiting} wait in all"
        yield Finding("warning", "dead letters", problem, "`paceline dead-letters list` says why; mend the sender, then retry.")


def _warehouse(warehouse: WarehouseFacts) -> list[Finding]:
    found = [
        *_shape("warehouse", f"{warehouse.version:04}", f"{warehouse.newest_version:04}"),
        *_clock("warehouse", warehouse.clock_ahead_ms),
    ]
    numbers = tuple(int(number) for number in re.findall(r"\d+", warehouse.server_version)[:2])
    if numbers and numbers < WAREHOUSE_SINCE:
        problem = f"The warehouse is ClickHouse {warehouse.server_version}, and this release is made for 26.9 or newer"
        found.append(Finding("broken", "warehouse", problem, "Upgrade the server."))
    if warehouse.most_parts > PARTS_MANY:
        problem = f"A table of the warehouse has {warehouse.most_parts} parts: merges do not keep up, and reading gets slow"
        found.append(Finding("warning", "warehouse", problem, "Faster disks or fewer flow groups, which insert more at once."))
    if warehouse.disk_free_bytes is not None and warehouse.disk_free_bytes < GIGABYTE:
        problem = f"The warehouse's disk has {warehouse.disk_free_bytes / GIGABYTE:.1f} GB left"
        found.append(Finding("warning", "warehouse", problem, "Make room on the server before it stops taking inserts."))
    return found


def _postgres(postgres: PostgresFacts) -> list[Finding]:
    found = [*_shape("postgres", postgres.revision, postgres.newest_revision), *_clock("postgres", postgres.clock_ahead_ms)]
    if postgres.server_version < POSTGRES_SINCE:
        problem = f"The server is PostgreSQL {postgres.server_version}, and this release is made for {POSTGRES_SINCE} or newer"
        found.append(Finding("broken", "postgres", problem, "Upgrade the server."))
    if postgres.connections_max and postgres.connections > postgres.connections_max * CONNECTIONS_SHARE:
        problem = f"{postgres.connections} of {postgres.connections_max} connections are taken"
        found.append(Finding("warning", "postgres", problem, "Raise max_connections, or run fewer replicas of the API."))
    return [*found, *_owed(postgres), *_people(postgres)]


def _owed(postgres: PostgresFacts) -> Iterator[Finding]:
    if postgres.owed_for_ms > OWED_LONG_MS:
        problem = f"{postgres.owed} changes have not reached Kafka, the oldest for {postgres.owed_for_ms / 1_000:.0f} s"
        yield Finding("broken", "outbox", problem, "The API publishes them: is it running, and does Kafka answer it?")
    if postgres.refused:
        problem = f"{postgres.refused} changes were refused by Kafka for good"
        yield Finding("warning", "outbox", problem, "Their reason is in column `fault` of the table `outbox`.")


def _people(postgres: PostgresFacts) -> Iterator[Finding]:
    if not postgres.admins:
        remedy = "`paceline users add --role admin …` makes one."
        yield Finding("warning", "people", "Nobody may administer: there is no active admin", remedy)
    if not postgres.trainers:
        remedy = "`paceline users add --role trainer …` makes one; `paceline seed --demo` makes a whole club to try."
        yield Finding("warning", "people", "Nobody can start a class: there is no active trainer", remedy)


def _shape(about: str, found: str, newest: str) -> Iterator[Finding]:
    if not newest or found == newest:
        return
    if found < newest or not found:
        yield Finding("broken", about, f"The tables are in shape {found or 'none'}, this release needs {newest}", MIGRATE)
    else:
        problem = f"The tables were brought to shape {found} by a newer release; this one knows {newest}"
        yield Finding("broken", about, problem, NEWER)


def _clock(about: str, ahead_ms: int) -> Iterator[Finding]:
    if abs(ahead_ms) >= CLOCK_OFF_MS:
        way = "ahead of" if ahead_ms > 0 else "behind"
        problem = f"The clock of {about} is {abs(ahead_ms) / 1_000:.1f} s {way} this machine's"
        level: Level = "broken" if abs(ahead_ms) >= CLOCK_WRONG_MS else "warning"
        yield Finding(level, about, problem, "Let all machines follow a time server (chrony, systemd-timesyncd).")
