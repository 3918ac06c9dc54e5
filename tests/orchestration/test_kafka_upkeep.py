"""Kafka's upkeep: a topic that somebody changed is named, refused messages are counted by what they have in common."""

import dagster as dg
import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from infra.dead_letters import DeadLetter
from infra.kafka import open_admin
from infra.settings import Settings
from infra.topic_settings import TopicDrift, topic_drift
from orchestration.dead_letter_digest import OTHERWISE, REMEDIES, digest
from schemas.rejected import Rejected
from schemas.topics import LIVE_MESSAGES
from tests.orchestration.conftest import Run
from tests.orchestration.gym import Gym
from tests.running import wait_until


def _set_retention(settings: Settings, value: str) -> None:
    admin = open_admin(settings)
    entry = ConfigEntry("retention.ms", value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, LIVE_MESSAGES.name, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()


@pytest.mark.servers
def test_a_topic_that_was_changed_on_the_cluster_is_named(gym: Gym, run: Run) -> None:
    declared = LIVE_MESSAGES.config()["retention.ms"]
    changed = TopicDrift(LIVE_MESSAGES.name, "retention.ms", declared, "1234")
    assert topic_drift(gym.settings) == []
    _set_retention(gym.settings, "1234")
    try:
        wait_until(lambda: topic_drift(gym.settings) == [changed], "the broker tells the new value")
        result = run("kafka_upkeep")
        (check,) = [found for found in result.get_asset_check_evaluations() if found.check_name == "topics_as_declared"]
        assert not check.passed
        assert check.severity == dg.AssetCheckSeverity.ERROR
    finally:
        _set_retention(gym.settings, declared)
        wait_until(lambda: topic_drift(gym.settings) == [], "it is as declared again")


def letter(number: int, reason: str, payload: bytes, *, at_ms: int = 1_000, retried: bool = False) -> DeadLetter:
    rejected = Rejected(
        rejected_id=f"dl-{number}",
        place=f"device-events:0:{number}",
        stage="flow-live",
        reason=reason,
        detail="",
        rejected_at_ms=at_ms + number,
        payload=payload,
        topic="device-events",
    )
    return DeadLetter(rejected, ("flow-live",), 5 if retried else None)


def test_the_digest_counts_by_reason_topic_and_source_and_says_what_to_do() -> None:
    letters = [
        letter(1, "invalid_event", b'{"source": "straps", "x": 1}'),
        letter(2, "invalid_event", b'{"source": "straps"}', retried=True),
        letter(3, "invalid_event", b'{"device_id": "hub-7"}'),
        letter(4, "not_json", b"\xff\xfe"),
        letter(5, "brand_new", b"[" * 100_000),
        letter(6, "invalid_event", b'{"source": "straps"}', at_ms=0),
    ]
    lines = digest(letters, since_ms=1_000)
    assert [(line.reason, line.source, line.letters, line.waiting) for line in lines] == [
        ("invalid_event", "straps", 2, 1),
        ("brand_new", "unknown", 1, 1),
        ("invalid_event", "hub-7", 1, 1),
        ("not_json", "unknown", 1, 1),
    ]
    assert lines[0].example == "dl-2"
    assert lines[0].what_to_do == REMEDIES["invalid_event"]
    assert lines[1].what_to_do == OTHERWISE
