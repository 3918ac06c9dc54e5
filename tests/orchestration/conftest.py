"""A gym of every test's own, and its assets run in this process."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import count
from typing import Any

import dagster as dg
import pytest

from infra.settings import Settings
from orchestration.days import RANGE_END, RANGE_START
from orchestration.definitions import definitions
from tests.orchestration.gym import Gym

MEMBERS = count(880_001, 10)
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def gym(servers: Settings) -> Iterator[Gym]:
    gym = Gym(servers, next(MEMBERS))
    yield gym
    gym.close()


@pytest.fixture
def defs(gym: Gym) -> Iterator[dg.Definitions]:
    made = definitions(gym.settings, gym.clock)
    yield made
    made.resources["installation"].close()  # type: ignore[index]  # resources are there


@pytest.fixture(scope="session")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def run(defs: dg.Definitions, instance: dg.DagsterInstance) -> Run:
    """Run a job over some days, as a backfill in the UI does."""

    def run_job(job: str, days: Sequence[date] = (), selection: Sequence[str] = (), config: Any = None) -> Any:
        tags = {RANGE_START: min(days).isoformat(), RANGE_END: max(days).isoformat()} if days else {}
        chosen = [dg.AssetKey(name) for name in selection] or None
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance, tags=tags, asset_selection=chosen, run_config=config, raise_on_error=True
        )

    return run_job
