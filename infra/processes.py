"""Every process of an installation: command, order, ports, readiness. A server that has an address of its own is left out.

What a class sees live goes first: when processors are short, flow `store` and the warehouse wait, Kafka keeps their work.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib.metadata import entry_points

from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.launch import SECOND_IN_LINE, Launch
from infra.embedded.postgres import EmbeddedPostgres
from infra.migration_process import migrate_apart
from infra.settings import Settings, child_environment
from infra.supervisor import Child, Port, Stage

PROBE_S = 2.0
FURTHER = "paceline.stages"
"""Later stages register here what `up` can start besides."""


def stages(settings: Settings) -> tuple[Stage, ...]:
    """What `paceline up` runs: the embedded servers, then the migrations, then our own processes."""
    servers = (kafka_child(settings), postgres_child(settings), warehouse_child(settings))
    ours = (*flow_children(settings), *api_children(settings), *gateway_children(settings))
    return (
        Stage(tuple(child for child in servers if child), then=lambda: migrate_apart(settings), then_name="The migration"),
        Stage(ours),
    )


def further_stages(settings: Settings, name: str) -> tuple[Stage, ...]:
    """Processes of a later stage, found by entry point. Raises PacelineError when they are not installed."""
    (entry,) = entry_points(group=FURTHER, name=name)
    found: tuple[Stage, ...] = entry.load()(settings)
    return found


def flow_port(settings: Settings, flow: str, group: int) -> int:
    """Where a flow shows health, readiness and metrics."""
    return settings.metrics_port + 2 * group + (0 if flow == "store" else 1)


def embedded_kafka(settings: Settings) -> EmbeddedKafka:
    """The broker of this home, with the operator's options."""
    return EmbeddedKafka(settings.home, settings.kafka_port, java_options=settings.kafka_java_options)


def kafka_child(settings: Settings) -> Child | None:
    """Apache Kafka, unless it has an address."""
    if settings.kafka:
        return None
    kafka = embedded_kafka(settings)
    return Child(
        name="kafka",
        prepare=kafka.prepare,
        launch=kafka.launch,
        ready=kafka.ready,
        ports=(
            Port(settings.kafka_port, "PACELINE_KAFKA_PORT"),
            Port(settings.kafka_port + 1, "PACELINE_KAFKA_PORT, whose successor Kafka's controller uses"),
        ),
        stop_timeout_s=20,
    )


def postgres_child(settings: Settings) -> Child | None:
    """PostgreSQL, unless it has an address."""
    if settings.postgres.get_secret_value():
        return None
    postgres = EmbeddedPostgres(settings.home, settings.postgres_socket_dir)
    return Child(
        name="postgres",
        prepare=postgres.prepare,
        launch=postgres.launch,
        ready=postgres.ready,
        stop_signal=postgres.stop_signal,
    )


def warehouse_child(settings: Settings) -> Child | None:
    """The warehouse, unless it has an address."""
    if settings.clickhouse:
        return None
    port = Port(settings.clickhouse_port, "PACELINE_CLICKHOUSE_PORT")
    command = ["warehouse", "serve"]
    return _ours(settings, "warehouse", command, port, path="/ping", stop_timeout_s=20, niceness=SECOND_IN_LINE)


def gateway_children(settings: Settings) -> list[Child]:
    """The doors for devices."""
    return [
        _ours(
            one, replica_name("gateway", number), ["gateway"], Port(one.gateway_port, "PACELINE_GATEWAY_PORT", one.gateway_host)
        )
        for number, one in enumerate(settings.replicas("gateway"))
    ]


def api_children(settings: Settings) -> list[Child]:
    """The doors for people."""
    return [
        _ours(one, replica_name("api", number), ["api"], Port(one.api_port, "PACELINE_API_PORT", one.api_host))
        for number, one in enumerate(settings.replicas("api"))
    ]


def replica_name(door: str, number: int) -> str:
    """`api`, `api-2`, `api-3`."""
    return f"{door}-{number + 1}" if number else door


def flow_children(settings: Settings) -> list[Child]:
    """Two flows for each group of partitions."""
    return [
        _ours(
            settings,
            f"flow-{flow}-{group}",
            ["flow", flow, "--group", str(group)],
            Port(flow_port(settings, flow, group), "PACELINE_METRICS_PORT and those after it"),
            niceness=SECOND_IN_LINE if flow == "store" else 0,
        )
        for group in range(settings.flow_groups)
        for flow in ("store", "live")
    ]


def _ours(
    settings: Settings,
    name: str,
    arguments: list[str],
    port: Port,
    *,
    path: str = "/ready",
    stop_timeout_s: float = 10,
    niceness: int = 0,
) -> Child:
    command = [sys.executable, "-P", "-m", "infra.cli", *arguments]
    host = "127.0.0.1" if port.host in {"0.0.0.0", "::"} else port.host  # noqa: S104 - compared, not bound
    return Child(
        name=name,
        launch=lambda: Launch(command, child_environment(settings), settings.home, niceness=niceness),
        ready=_answers(host, port.number, path),
        alive=_answers(host, port.number, "/health"),
        ports=(port,),
        stop_timeout_s=stop_timeout_s,
    )


def _answers(host: str, port: int, path: str) -> Callable[[], bool]:
    """By the plainest client there is: others prepare for TLS with every question."""

    def answers() -> bool:
        connection = HTTPConnection(host, port, timeout=PROBE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return answers
