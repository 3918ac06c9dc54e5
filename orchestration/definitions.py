"""What Dagster loads: everything in `orchestration.assets`, with this house as its resource."""

import logging

import dagster as dg

from infra.clock import Clock, system_clock
from infra.settings import Settings, load_settings
from infra.telemetry.logs import start_logs
from orchestration import assets
from orchestration.installation import Installation

LOCATION = "paceline"


def definitions(settings: Settings, clock: Clock) -> dg.Definitions:
    """All assets, checks, jobs, schedules and the sensor. Nothing connects yet.

    Runs stay in one process: a step in a process of its own costs two seconds of processor time, more than most steps.
    """
    return dg.load_definitions_from_package_module(
        assets, resources={"installation": Installation(settings, clock)}, executor=dg.in_process_executor
    )


@dg.definitions
def paceline() -> dg.Definitions:
    """For Dagster's processes, which `paceline up --dagster` starts."""
    settings = load_settings()
    start_logs(settings, "dagster")
    logging.getLogger("dagster.code_server").propagate = False  # it has a handler of its own
    return definitions(settings, system_clock)
