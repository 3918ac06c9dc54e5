"""What the probes found out. None stands for what nobody could ask, and is judged by nobody."""

import msgspec

OK_STATES = ("ready", "stopping")


class Trouble(msgspec.Struct, frozen=True):
    """Why a server could not be asked, in its own words, and what to do."""

    problem: str
    remedy: str


class MachineFacts(msgspec.Struct, frozen=True):
    """The machine on which the doctor runs."""

    disk_free_bytes: int
    disk_total_bytes: int
    memory_total_bytes: int
    memory_available_bytes: int


class SecretFile(msgspec.Struct, frozen=True):
    """A file in the secrets folder, or the folder itself."""

    path: str
    mode: int


class ProcessFacts(msgspec.Struct, frozen=True):
    """One process as its supervisor sees it."""

    name: str
    state: str
    starts: int
    why: str
    log: str


class TakenPort(msgspec.Struct, frozen=True):
    """A port that Paceline would use and somebody else does."""

    number: int
    setting: str


class HomeFacts(msgspec.Struct, frozen=True):
    """The home, and who runs on it."""

    path: str
    writable: bool
    running: bool
    processes: tuple[ProcessFacts, ...] = ()
    secrets: tuple[SecretFile, ...] = ()
    taken_ports: tuple[TakenPort, ...] = ()
    """Only asked while nothing runs."""


class Drift(msgspec.Struct, frozen=True):
    """A topic's setting that is not as this release makes it."""

    topic: str
    setting: str
    declared: str
    found: str


class TopicFacts(msgspec.Struct, frozen=True):
    """A topic as the brokers describe it."""

    name: str
    partitions: int
    declared_partitions: int
    replicas: int
    """Of the partition that has fewest."""
    in_step: bool
    """Every replica has what the others have."""


class KafkaFacts(msgspec.Struct, frozen=True):
    """The brokers and the topics."""

    trouble: Trouble | None = None
    brokers: int = 0
    missing: tuple[str, ...] = ()
    topics: tuple[TopicFacts, ...] = ()
    drift: tuple[Drift, ...] = ()
    letters_waiting: int | None = None
    """Dead letters that nobody has retried."""
    letters_today: int = 0
    """Those of the last 24 hours."""


class WarehouseFacts(msgspec.Struct, frozen=True):
    """The warehouse."""

    trouble: Trouble | None = None
    server_version: str = ""
    version: int = 0
    """Of the tables: the newest migration that was applied."""
    newest_version: int = 0
    """What this program would bring them to."""
    clock_ahead_ms: int = 0
    disk_free_bytes: int | None = None
    most_parts: int = 0
    """Active parts of the table that has most."""


class PostgresFacts(msgspec.Struct, frozen=True):
    """The control plane."""

    trouble: Trouble | None = None
    server_version: int = 0
    """Major."""
    revision: str = ""
    newest_revision: str = ""
    clock_ahead_ms: int = 0
    connections: int = 0
    connections_max: int = 0
    trainers: int = 0
    admins: int = 0
    owed: int = 0
    """Outbox rows that wait."""
    owed_for_ms: int = 0
    """How long the oldest of them has."""
    refused: int = 0
    """Outbox rows that Kafka can never take."""


class AnswerFacts(msgspec.Struct, frozen=True):
    """What one of our processes answers."""

    name: str
    url: str
    ready: bool
    why: str = ""
    lag_messages: int | None = None
    """Flows only."""
    expired_messages: int = 0
    """Flows only: deleted by retention before they were read."""
    live_path: str = ""
    """API only: what is wrong with the live path, as its synthetic member finds it."""
    live_path_missing: bool = False
    """Nothing comes back at all."""


class Expected(msgspec.Struct, frozen=True):
    """What the settings say that facts are held against."""

    clickhouse_embedded: bool
    clickhouse_memory_mb: int
    clickhouse_keep_free_mb: int
    kafka_replication: int
    any_embedded: bool = True
    """Then `paceline up` must run; else containers may run our processes one by one."""
    open_hosts: tuple[str, ...] = ()
    """Settings by which API or gateway listen beyond this machine."""


class Facts(msgspec.Struct, frozen=True):
    """All of them."""

    expected: Expected
    machine: MachineFacts
    home: HomeFacts
    kafka: KafkaFacts | None = None
    warehouse: WarehouseFacts | None = None
    postgres: PostgresFacts | None = None
    answers: tuple[AnswerFacts, ...] = ()
