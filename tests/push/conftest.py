"""The push server in both ways of writing."""

from collections.abc import Iterator

import pytest

from infra.settings import Settings
from tests.push.gym import Gym
from tests.running import free_ports


@pytest.fixture(scope="session", params=["raw", "plain"])
def gym(kafka_only: Settings, request: pytest.FixtureRequest) -> Iterator[Gym]:
    """The server in both ways of writing: frames made once, and the ASGI path of any server."""
    place = Gym(kafka_only, free_ports(1)[0], plain=request.param == "plain")
    with place.running():
        yield place
