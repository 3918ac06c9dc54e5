"""A program that supervises Kafka, PostgreSQL and one more child, as `paceline up` does; the tests kill it in several ways."""

import sys
from pathlib import Path

import typer

from infra.embedded.launch import Launch
from infra.operate import stop_on_signals
from infra.processes import kafka_child, postgres_child
from infra.settings import child_environment, load_settings
from infra.supervisor import Child, ChildState, Stage, Supervisor

SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
time.sleep(600)
"""


def main() -> None:
    """Run until asked to stop; every change of a child's state is a line."""
    settings = load_settings()
    sleeper = Child(
        name="sleeper",
        launch=lambda: Launch([sys.executable, "-c", SLEEPER], child_environment(settings), Path("/")),
        ready=lambda: True,
    )
    servers = tuple(child for child in (kafka_child(settings), postgres_child(settings)) if child)
    supervisor = Supervisor(settings, [Stage(servers), Stage((sleeper,))], listener=say)
    with stop_on_signals(supervisor), supervisor:
        supervisor.wait_ready()
        typer.echo("all ready")
        supervisor.wait()


def say(state: ChildState) -> None:
    typer.echo(f"{state.name} {state.state}")


if __name__ == "__main__":
    main()
