from collections.abc import Iterator

import pytest

from infra.settings import Settings
from tests.ingest.people import RunningGateway, running_gateway


@pytest.fixture(scope="session")
def gateway(kafka_only: Settings) -> Iterator[RunningGateway]:
    """A running gateway on a running Kafka, shared by the tests that do not harm it."""
    with running_gateway(kafka_only) as found:
        yield found
