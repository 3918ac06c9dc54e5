"""One running API for the tests of this folder."""

from collections.abc import Iterator

import pytest

from infra.settings import Settings
from tests.api.running_api import RunningApi, running_api


@pytest.fixture(scope="session")
def api(servers: Settings) -> Iterator[RunningApi]:
    """The API on real servers, without limits of rate."""
    with running_api(servers) as running:
        yield running
