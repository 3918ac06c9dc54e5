"""Whether Kafka's topics still are as `schemas.topics` declares them: somebody may have changed them on the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # it is there, unlisted

from infra.errors import Unavailable
from infra.kafka import ClusterAsker, topic_config
from infra.settings import Settings
from schemas.topics import TOPICS, Topic

MISSING = "missing"


@dataclass(frozen=True)
class TopicDrift:
    """One setting of a topic that is not as declared."""

    topic: str
    setting: str
    declared: str
    found: str


def topic_drift(settings: Settings, timeout_s: float = 30) -> list[TopicDrift]:
    """Every difference; none when all is as declared. Raises Unavailable when Kafka does not answer."""
    asker = ClusterAsker(settings)
    present = asker.ask(timeout_s).topics
    known = [topic for topic in TOPICS if topic.name in present]
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in known]
    admin: Any = asker.admin
    found = [TopicDrift(topic.name, "topic", "present", MISSING) for topic in TOPICS if topic.name not in present]
    try:
        answers = {resource.name: future.result() for resource, future in _asked(admin, resources, timeout_s)}
    except KafkaException as failure:
        problem = f"Kafka at {settings.kafka_address} does not tell its topics' settings: {failure.args[0].str()}"
        raise Unavailable(problem, "Is it running, and may this user describe topics?") from None
    for topic in known:
        found += _of_topic(topic, settings, present[topic.name].partitions, answers[topic.name])
    return found


def _asked(admin: Any, resources: list[ConfigResource], timeout_s: float) -> list[tuple[Any, Any]]:
    return list(admin.describe_configs(resources, request_timeout=timeout_s).items()) if resources else []


def _of_topic(topic: Topic, settings: Settings, partitions: Mapping[int, Any], config: Mapping[str, Any]) -> list[TopicDrift]:
    declared = {"partitions": str(topic.partitions), "replicas": str(settings.kafka_replication)}
    replicas = {len(partition.replicas) for partition in partitions.values()}
    found = {"partitions": str(len(partitions)), "replicas": " or ".join(str(count) for count in sorted(replicas))}
    for name, value in topic_config(topic, settings).items():
        declared[name] = value
        found[name] = str(config[name].value) if name in config else MISSING
    return [
        TopicDrift(topic.name, name, value, found[name]) for name, value in declared.items() if not _same(value, found[name])
    ]


def _same(declared: str, found: str) -> bool:
    try:
        return float(declared) == float(found)  # a broker may write 0.1 as 0.10
    except ValueError:
        return declared == found
