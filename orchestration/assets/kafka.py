"""Kafka's upkeep: topics as declared, and what was refused."""

from typing import Any

import dagster as dg

from infra.dead_letters import read_dead_letters
from infra.topic_settings import topic_drift
from orchestration.assets.classes import RETRIES
from orchestration.dead_letter_digest import digest
from orchestration.installation import Installation
from orchestration.tables import table

DAY_MS = 24 * 3_600_000
REMEDY = "Set it back with Kafka's own tools, or declare the new value in schemas/topics.py; partitions cannot be taken back."


@dg.asset(group_name="kafka", kinds={"kafka"}, retry_policy=RETRIES)
def dead_letter_digest(installation: dg.ResourceParam[Installation]) -> dg.MaterializeResult[None]:
    """What was refused and why, by reason, topic and source, with what to do; the topic keeps it for 30 days."""
    lines = digest(read_dead_letters(installation.settings).values())
    return dg.MaterializeResult(
        metadata={
            "letters": sum(line.letters for line in lines),
            "waiting": sum(line.waiting for line in lines),
            "by reason, topic and source": table(lines),
        }
    )


@dg.asset_check(asset=dead_letter_digest)
def nothing_refused_today(installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """No message was refused within the last 24 hours that still waits for somebody."""
    letters = read_dead_letters(installation.settings).values()
    fresh = [line for line in digest(letters, installation.clock() - DAY_MS) if line.waiting]
    return dg.AssetCheckResult(
        passed=not fresh,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"waiting": sum(line.waiting for line in fresh), "by reason, topic and source": table(fresh)},
    )


@dg.asset(group_name="kafka", kinds={"kafka"}, retry_policy=RETRIES)
def kafka_topic_settings(installation: dg.ResourceParam[Installation]) -> dg.MaterializeResult[None]:
    """Partitions, replicas and settings of every topic on the cluster beside what schemas/topics.py declares."""
    found = topic_drift(installation.settings)
    return dg.MaterializeResult(metadata={"differences": len(found), "found": table(found)})


@dg.asset_check(asset=kafka_topic_settings)
def topics_as_declared(installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """Nobody has changed a topic on the cluster."""
    found = topic_drift(installation.settings)
    metadata: dict[str, Any] = {"differences": len(found), "found": table(found)} | ({"what to do": REMEDY} if found else {})
    return dg.AssetCheckResult(passed=not found, metadata=metadata)
