"""Every fault that the doctor knows is told once, as bad as it is, with what to do; a well house hears nothing."""

from typing import Any

import msgspec
import pytest

from infra.doctor.examine import judge
from infra.doctor.facts import (
    AnswerFacts,
    Drift,
    Expected,
    Facts,
    HomeFacts,
    KafkaFacts,
    MachineFacts,
    PostgresFacts,
    ProcessFacts,
    SecretFile,
    TakenPort,
    TopicFacts,
    Trouble,
    WarehouseFacts,
)
from infra.doctor.finding import Finding, verdict

GB = 1024**3
TOPIC = TopicFacts("alerts", 8, 8, 1, in_step=True)
WELL = Facts(
    expected=Expected(clickhouse_embedded=True, clickhouse_memory_mb=2_048, clickhouse_keep_free_mb=256, kafka_replication=1),
    machine=MachineFacts(100 * GB, 400 * GB, 16 * GB, 8 * GB),
    home=HomeFacts(
        "/home/gym/.paceline",
        writable=True,
        running=True,
        processes=(ProcessFacts("api", "ready", 1, "", "/logs/api.log"),),
        secrets=(SecretFile("/home/gym/.paceline/secrets", 0o700), SecretFile("/home/gym/.paceline/secrets/key", 0o600)),
    ),
    kafka=KafkaFacts(brokers=1, topics=(TOPIC,), letters_waiting=3),
    warehouse=WarehouseFacts(server_version="26.9.1", version=4, newest_version=4, disk_free_bytes=90 * GB, most_parts=12),
    postgres=PostgresFacts(
        server_version=18, revision="0002", newest_revision="0002", connections=9, connections_max=60, trainers=2, admins=1
    ),
    answers=(AnswerFacts("flow-live-0", "http://127.0.0.1:28091", ready=True, lag_messages=12),),
)


def but(part: str, **changed: Any) -> Facts:
    """The well house with one part otherwise."""
    return msgspec.structs.replace(WELL, **{part: msgspec.structs.replace(getattr(WELL, part), **changed)})


def answer(**changed: Any) -> Facts:
    return msgspec.structs.replace(WELL, answers=(msgspec.structs.replace(WELL.answers[0], **changed),))


FAULTS: dict[str, tuple[Facts, str, str, str]] = {
    "disk nearly full": (but("machine", disk_free_bytes=4 * GB), "warning", "has 4.0 GB left", "PACELINE_HOME"),
    "large disk nearly full": (but("machine", disk_free_bytes=19 * GB), "warning", "has 19.0 GB left of 400 GB", "Make room"),
    "disk full": (but("machine", disk_free_bytes=300 * 1024**2), "broken", "takes no more inserts", "Make room"),
    "too little memory": (but("machine", memory_total_bytes=2 * GB), "warning", "2048 MB of memory", "MEMORY_MB to 512"),
    "memory taken": (but("machine", memory_available_bytes=GB // 4), "warning", "Only 256 MB", "End what else runs"),
    "home of another": (but("home", writable=False), "broken", "cannot be written", "PACELINE_HOME"),
    "not running": (but("home", running=False), "broken", "is not running", "paceline up"),
    "port taken": (
        but("home", taken_ports=(TakenPort(28080, "PACELINE_API_PORT"),)),
        "broken",
        "Port 28080 is taken",
        "set PACELINE_API_PORT",
    ),
    "open secret": (but("home", secrets=(SecretFile("/s/key", 0o640),)), "warning", "(mode 640)", "chmod go= /s/key"),
    "process restarting": (
        but("home", processes=(ProcessFacts("gateway", "restarting", 2, "exit code 1", "/l/g.log"),)),
        "broken",
        "gateway is restarting: exit code 1",
        "/l/g.log",
    ),
    "process often started": (
        but("home", processes=(ProcessFacts("gateway", "ready", 6, "", "/l/g.log"),)),
        "warning",
        "started 6 times",
        "/l/g.log",
    ),
    "flow not ready": (answer(ready=False, why="not consuming yet"), "broken", "flow-live-0 is not ready: not cons", "log"),
    "flow behind": (answer(lag_messages=10_000), "warning", "10,000 messages behind", "PACELINE_FLOW_GROUPS"),
    "flow hopeless": (answer(lag_messages=1_000_000), "broken", "1,000,000 messages behind", "PACELINE_FLOW_GROUPS"),
    "messages expired": (answer(expired_messages=5), "warning", "5 messages were deleted before", "stand still"),
    "live path slow": (answer(live_path="A value needs 3.1 s"), "warning", "A value needs 3.1 s", "logs of gateway, flow live"),
    "live path broken": (answer(live_path="Nothing came", live_path_missing=True), "broken", "Nothing came", "flow live"),
    "open door": (but("expected", open_hosts=("PACELINE_API_HOST=0.0.0.0",)), "warning", "lets other machines in", "TLS"),
    "kafka away": (but("kafka", trouble=Trouble("Kafka does not answer", "Run it")), "broken", "Kafka does not", "Run it"),
    "topic missing": (but("kafka", missing=("live",)), "broken", "Topics are missing: live", "paceline migrate"),
    "partitions": (
        but("kafka", topics=(msgspec.structs.replace(TOPIC, partitions=4),)),
        "broken",
        "4 partitions instead of 8",
        "anew",
    ),
    "replicas behind": (but("kafka", topics=(msgspec.structs.replace(TOPIC, in_step=False),)), "warning", "behind", "brokers"),
    "drift": (
        but("kafka", drift=(Drift("alerts", "retention.ms", "9", "1"),)),
        "warning",
        "retention.ms=1 instead of 9",
        "kafka-configs.sh",
    ),
    "one replica on a cluster": (but("kafka", brokers=3), "warning", "3 brokers", "PACELINE_KAFKA_REPLICATION=3"),
    "letters": (but("kafka", letters_today=2), "warning", "2 messages were refused within a day", "dead-letters list"),
    "warehouse away": (but("warehouse", trouble=Trouble("No warehouse", "Run it")), "broken", "No warehouse", "Run it"),
    "warehouse schema behind": (but("warehouse", version=3), "broken", "shape 0003, this release needs 0004", "migrate"),
    "warehouse schema ahead": (but("warehouse", version=10), "broken", "shape 0010 by a newer release", "release"),
    "warehouse without tables": (but("warehouse", version=0), "broken", "this release needs 0004", "paceline migrate"),
    "old clickhouse": (but("warehouse", server_version="25.8.1"), "broken", "ClickHouse 25.8.1", "Upgrade"),
    "many parts": (but("warehouse", most_parts=301), "warning", "301 parts", "flow groups"),
    "warehouse's disk": (but("warehouse", disk_free_bytes=GB // 2), "warning", "0.5 GB left", "Make room"),
    "warehouse's clock": (but("warehouse", clock_ahead_ms=-2_500), "warning", "2.5 s behind", "time server"),
    "postgres away": (but("postgres", trouble=Trouble("No PostgreSQL", "Run it")), "broken", "No PostgreSQL", "Run it"),
    "control plane behind": (but("postgres", revision="0001"), "broken", "shape 0001", "paceline migrate"),
    "old postgres": (but("postgres", server_version=14), "broken", "PostgreSQL 14", "Upgrade"),
    "postgres's clock": (but("postgres", clock_ahead_ms=61_000), "broken", "61.0 s ahead of", "time server"),
    "connections": (but("postgres", connections=55), "warning", "55 of 60 connections", "max_connections"),
    "outbox stands": (but("postgres", owed=4, owed_for_ms=31_000), "broken", "4 changes have not", "publishes"),
    "outbox refused": (but("postgres", refused=1), "warning", "1 changes were refused", "outbox"),
    "no trainer": (but("postgres", trainers=0), "warning", "no active trainer", "users add --role trainer"),
    "no admin": (but("postgres", admins=0), "warning", "no active admin", "users add --role admin"),
}


def test_a_well_house_hears_nothing() -> None:
    assert judge(WELL) == []
    assert verdict([]) == "well"


@pytest.mark.parametrize(("facts", "level", "problem", "remedy"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_once_with_its_remedy(facts: Facts, level: str, problem: str, remedy: str) -> None:
    [found] = judge(facts)
    assert found.level == level
    assert problem in found.problem
    assert remedy in found.remedy


def test_topics_with_fewer_replicas_than_asked_are_told() -> None:
    facts = msgspec.structs.replace(
        but("expected", kafka_replication=3), kafka=KafkaFacts(brokers=3, topics=(TOPIC,), letters_waiting=0)
    )
    [found] = judge(facts)
    assert "has 1 replica(s), PACELINE_KAFKA_REPLICATION asks for 3" in found.problem


def test_what_nobody_could_ask_is_not_judged() -> None:
    facts = Facts(WELL.expected, WELL.machine, HomeFacts("/h", writable=True, running=False))
    assert [finding.about for finding in judge(facts)] == ["home"]


def test_containers_that_run_our_processes_one_by_one_need_no_supervisor() -> None:
    facts = msgspec.structs.replace(but("expected", any_embedded=False), home=HomeFacts("/h", writable=True, running=False))
    assert judge(facts) == []


def test_the_worst_comes_first_and_decides() -> None:
    facts = msgspec.structs.replace(but("postgres", trainers=0), kafka=KafkaFacts(missing=("live",)))
    levels = [finding.level for finding in judge(facts)]
    assert levels == ["broken", "warning"]
    assert verdict(judge(facts)) == "broken"
    assert verdict([Finding("warning", "a", "b", "c")]) == "warnings"
