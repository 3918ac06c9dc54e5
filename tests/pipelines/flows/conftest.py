"""The stage of the flow tests: both flows of one group, running for all tests of this folder."""

from collections.abc import Iterator

import pytest

from infra.settings import Settings
from tests.pipelines.flows.stage import FlowProcess, Stage, flow


@pytest.fixture(scope="session")
def flow_settings(servers: Settings) -> Settings:
    """Quick checkpoints, so that tests of resuming are quick."""
    return servers.model_copy(update={"flow_epoch_s": 0.5})


@pytest.fixture(scope="package")
def stage(flow_settings: Settings) -> Iterator[Stage]:
    stage = Stage(flow_settings)
    yield stage
    stage.close()


@pytest.fixture(scope="package")
def store(flow_settings: Settings) -> Iterator[FlowProcess]:
    with flow(flow_settings, "store") as process:
        yield process


@pytest.fixture(scope="package")
def live(flow_settings: Settings) -> Iterator[FlowProcess]:
    with flow(flow_settings, "live") as process:
        yield process
