from infra.kafka import cluster_id
from infra.settings import Settings


def test_it(kafka_only: Settings, postgres_only: Settings) -> None:
    assert cluster_id(kafka_only)
