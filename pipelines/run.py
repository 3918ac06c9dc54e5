"""Runs one flow for one group of partitions, with its own memory, until it is told to stop."""

import fcntl
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from infra.collector import spare_the_collector
from infra.directory import DirectoryReader
from infra.errors import PacelineError
from infra.kafka_answers import KafkaAnswers
from infra.partition_reader import wait_for_topics
from infra.telemetry.endpoint import Endpoint
from infra.telemetry.logs import logger
from pipelines.arrow_schemas import make_ready
from pipelines.flow_run import FlowRun
from pipelines.wiring import build_flow
from schemas.topics import SESSION_PARTITIONS, TOPICS

log = logger(__name__)
SWITCH_INTERVAL_S = 0.001
"""How long a thread that inserts or recomputes may hold the flow's thread up; Python's default is 5 ms."""


def run_flow(run: FlowRun) -> None:
    """Run until `run.stop` is set. Blocks.

    Raises PacelineError for what a person can mend: a second copy, a port that is taken, a log that is not the one remembered.
    """
    if not 0 <= run.group < run.groups <= SESSION_PARTITIONS:
        raise PacelineError(f"There is no group {run.group} of {run.groups}", f"There can be 1 to {SESSION_PARTITIONS} groups.")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with ExitStack() as held:
        held.enter_context(_only_copy(run))
        port = run.settings.metrics_port + 2 * run.group + (run.flow == "live")
        held.callback(Endpoint(port, f"flow {run.name}", _readiness(run), run.settings.metrics_host).close)
        if not wait_for_topics(run.settings, TOPICS, run.stop.is_set):
            return
        folder = recovery_folder(run)
        directory = DirectoryReader(run.settings)
        held.callback(directory.close)
        dataflow = build_flow(run, directory, held)
        directory.follow()
        make_ready()
        spare_the_collector()
        log.info("flow_started", flow=run.name, recovery=str(folder))
        _run_dataflow(dataflow, folder / "memory", timedelta(seconds=run.settings.flow_epoch_s))
        log.info("flow_stopped", flow=run.name)


def _readiness(run: FlowRun) -> Callable[[], str]:
    """Why the flow is not ready: what it knows itself, and whether there is anything to read from."""
    kafka = KafkaAnswers(run.settings)
    return lambda: run.progress.why_not_ready() or kafka.why_not()


def recovery_folder(run: FlowRun) -> Path:
    """Where a flow keeps its memory: under the log's id, so that a new log never meets old offsets."""
    return run.settings.home / "flows" / run.log_id / run.name


def stop_on_signals() -> Event:
    """An event that SIGTERM and SIGINT set: the flow then ends with a last checkpoint."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _only_copy(run: FlowRun) -> Iterator[None]:
    folder = run.settings.home / "flows"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{run.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            remedy = "Two copies would read the same partitions."
            raise PacelineError(f"Flow {run.name} is running already", remedy) from None
        yield


def _run_dataflow(dataflow: Dataflow, memory: Path, epoch: timedelta) -> None:
    if not any(memory.glob("*.sqlite3")):
        memory.mkdir(parents=True, exist_ok=True)
        init_db_dir(memory, 1)  # type: ignore[no-untyped-call]  # Bytewax's stubs name no types here
    recovery = RecoveryConfig(memory)  # type: ignore[no-untyped-call]  # as above
    try:
        cli_main(dataflow, epoch_interval=epoch, recovery_config=recovery)  # type: ignore[no-untyped-call]  # as above
    except Exception as failure:
        cause: BaseException | None = failure
        while cause is not None and not isinstance(cause, PacelineError):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from failure
