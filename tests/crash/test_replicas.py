"""An acknowledgement means that losing one node of three loses nothing, whatever the brokers' defaults are."""

import pytest
from confluent_kafka.admin import ConfigResource, ConfigSource

from infra.kafka import open_admin, topic_config
from infra.settings import Settings
from schemas.topics import DEVICE_EVENTS, TOPICS


@pytest.mark.parametrize(("replication", "needed"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_with_nodes_to_spare_two_must_have_every_message(replication: int, needed: str) -> None:
    settings = Settings(kafka_replication=replication)
    assert {topic_config(topic, settings)["min.insync.replicas"] for topic in TOPICS} == {needed}


@pytest.mark.servers
def test_topics_carry_the_number_themselves(kafka_only: Settings) -> None:
    admin = open_admin(kafka_only)
    resource = ConfigResource(ConfigResource.Type.TOPIC, DEVICE_EVENTS.name)
    [asked] = admin.describe_configs([resource]).values()
    entry = asked.result(timeout=30)["min.insync.replicas"]
    assert (entry.value, entry.source) == ("1", ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
