"""One frozen settings object, read once from the environment and the secrets folder, checked at start.

Every setting is an environment variable `PACELINE_<NAME>`. Secrets may also be files `<home>/secrets/paceline_<name>`, which is
also how container platforms mount them. An empty server address means the embedded server.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator

from infra import addresses
from infra.errors import PacelineError
from infra.folders import make_home
from infra.server_settings import ServerSettings

SOCKET_ADDRESS_BYTES = 103
"""Linux takes 107, macOS 103."""
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
GENERATED_SECRETS = (
    "jwt_secret",
    "clickhouse_writer_password",
    "clickhouse_reader_password",
    "clickhouse_analyst_password",
)
SINGLE_PORTS = ("clickhouse_port", "api_port", "gateway_port", "supervisor_port", "simulator_port")
REPLICA_PORTS = 100


def default_home() -> Path:
    """`.paceline` in the current folder when there is one (as `make demo` makes it), else the user's data folder."""
    here = Path(".paceline").absolute()
    return here if here.is_dir() else Path(platformdirs.user_data_path("paceline"))


class Settings(ServerSettings):
    """All that an operator can change. Frozen: a process that needs another value is started again."""

    home: Path = Field(
        default_factory=default_home,
        description="folder of everything that embedded servers and flows keep",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe level that is logged")
    log_format: Literal["json", "console"] = Field("json", description="one JSON object a line, or text for people")

    api_host: str = Field("127.0.0.1", description="address on which API and pages listen")
    api_port: int = Field(28080, ge=1024, le=65535, description="port of API and pages")
    gateway_host: str = Field("127.0.0.1", description="address on which the device gateway listens")
    gateway_port: int = Field(28081, ge=1024, le=65535, description="port of the device gateway")
    supervisor_port: int = Field(28089, ge=1024, le=65535, description="where the supervisor shows its Prometheus metrics")
    metrics_host: str = Field("127.0.0.1", description="address on which flows show health and Prometheus metrics")
    metrics_port: int = Field(28090, ge=1024, le=65535, description="first of the ports on which flows show Prometheus metrics")
    simulator_port: int = Field(28082, ge=1024, le=65535, description="where the demo's straps are switched on and off")
    gateway: str = Field(
        "", description="http(s)://host:port at which other processes of ours reach the gateway; empty: gateway_host and _port"
    )
    synthetic_every_s: float = Field(
        10, ge=0, le=600, description="seconds between the values by which each API watches the live path; 0: never"
    )
    public_origins: str = Field("", description="further origins, separated by commas, whose pages may open the WebSocket")

    jwt_secret: SecretStr = Field(SecretStr(""), description="key that signs access tokens; made at the first start")
    access_token_s: int = Field(900, ge=60, le=86_400, description="life of an access token in seconds")
    refresh_token_s: int = Field(14 * 86_400, ge=600, description="life of a sign-in without use, in seconds")
    requests_per_minute: int = Field(100, ge=1, description="REST requests a minute that one user may make")
    sign_ins_per_minute: int = Field(20, ge=1, description="sign-ins and renewals a minute from one address")
    device_events_per_s: float = Field(200, gt=0, description="events a second that one device token may send, on average")
    device_events_burst: int = Field(2_000, ge=1, description="events that one device token may send at once")
    hub_events_per_s: float = Field(5_000, gt=0, description="the same for a hub, whose token may send for every member")
    hub_events_burst: int = Field(20_000, ge=1, description="events that a hub's token may send at once")
    gateway_patience_s: float = Field(
        10, ge=0.1, le=120, description="how long the gateway waits for Kafka before it answers 503"
    )
    device_token: SecretStr = Field(SecretStr(""), description="device token that `replay` and `simulate` send with")

    backup_folder: Path | None = Field(
        None, description="where the nightly backups of `paceline up --dagster` lie; empty: `backups` in the home"
    )
    backups_kept: int = Field(7, ge=1, description="how many of them are kept")

    flow_epoch_s: float = Field(5, ge=0.2, le=60, description="seconds between the flows' checkpoints")
    api_replicas: int = Field(
        1, ge=1, le=4, description="API processes of `paceline up`; each further one's port is 100 higher"
    )
    gateway_replicas: int = Field(1, ge=1, le=4, description="the same for gateways; what balances between them is yours")
    flow_groups: int = Field(1, ge=1, le=8, description="processes per flow; each owns an equal share of the partitions")

    @field_validator("gateway")
    @classmethod
    def _is_a_gateway(cls, address: str) -> str:
        return addresses.check_http(address)

    @field_validator("flow_groups")
    @classmethod
    def _ports_differ(cls, groups: int, others: ValidationInfo) -> int:
        """Of those that are ports at all; this is the last field, so all others are known."""
        ports = [others.data[name] for name in SINGLE_PORTS if name in others.data]
        ports += [
            others.data[f"{door}_port"] + n * REPLICA_PORTS
            for door in ("api", "gateway")
            for n in range(1, others.data.get(f"{door}_replicas", 1))
            if f"{door}_port" in others.data
        ]
        ports += [others.data["kafka_port"] + n for n in range(2) if "kafka_port" in others.data]
        ports += [others.data["metrics_port"] + n for n in range(2 * groups) if "metrics_port" in others.data]
        if len(set(ports)) != len(ports):
            raise ValueError(
                "ports must differ from each other: clickhouse, api, gateway, supervisor, simulator, kafka, kafka + 1, "
                f"metrics (two for each flow group), replicas of api and gateway (each 100 on) are {ports}"
            )
        return groups

    @property
    def kafka_address(self) -> str:
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def clickhouse_address(self) -> str:
        return self.clickhouse or f"http://127.0.0.1:{self.clickhouse_port}/paceline"

    @property
    def postgres_address(self) -> str:
        """As libpq reads it."""
        return self.postgres.get_secret_value() or f"postgresql://paceline@/paceline?host={self.postgres_socket_dir}"

    @property
    def postgres_socket_dir(self) -> Path:
        """Where the embedded PostgreSQL's socket lies."""
        return self._socket_dir("postgres", ".s.PGSQL.5432", f"paceline-{self._home_digest}")

    @property
    def dagster_socket_dir(self) -> Path:
        """Where Dagster's sockets lie."""
        return self._socket_dir("dagster", "code.sock", f"paceline-{self._home_digest}-dagster")

    def _socket_dir(self, name: str, socket: str, elsewhere: str) -> Path:
        """Under home, unless home is too deep for the address of a Unix socket, or holds signs that mean something in one
        (a comma, a percent sign, a space): then a folder named after it."""
        near = self.home / "run" / name
        if len(os.fsencode(near / socket)) <= SOCKET_ADDRESS_BYTES and PLAIN_PATH.fullmatch(str(near)):
            return near
        return Path("/tmp", elsewhere)  # noqa: S108 - made private and checked by whoever serves there

    @property
    def _home_digest(self) -> str:
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]

    @property
    def backup_folder_in_use(self) -> Path:
        return self.backup_folder if self.backup_folder and self.backup_folder != Path() else self.home / "backups"

    @property
    def api_url(self) -> str:
        return f"http://{self.api_host}:{self.api_port}"

    def replicas(self, door: Literal["api", "gateway"]) -> "tuple[Settings, ...]":
        """What each replica of a door is started with: the same settings with a port of its own."""
        count, port = f"{door}_replicas", f"{door}_port"
        ports = range(getattr(self, port), getattr(self, port) + REPLICA_PORTS * getattr(self, count), REPLICA_PORTS)
        return tuple(self.model_copy(update={port: number, count: 1}) for number in ports)

    @property
    def gateway_url(self) -> str:
        return self.gateway.rstrip("/") or f"http://{self.gateway_host}:{self.gateway_port}"

    def shown(self) -> dict[str, Any]:
        """The effective settings with every secret hidden."""
        values = self.model_dump()
        return {
            name: ("********" if value.get_secret_value() else "(not set)") if isinstance(value, SecretStr) else value
            for name, value in values.items()
        }


def load_settings(**overrides: Any) -> Settings:
    """Settings from environment and secrets folder.

    Raises PacelineError that lists every fault at once.
    """
    home = Path(overrides.get("home") or os.environ.get("PACELINE_HOME") or default_home()).absolute()
    folder = home / "secrets"
    try:
        return Settings(_secrets_dir=folder if folder.is_dir() else None, **{**overrides, "home": home})
    except ValidationError as invalid:
        faults = [
            f"PACELINE_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in invalid.errors()
        ]
        raise PacelineError("The settings are not usable:\n  " + "\n  ".join(faults), "Correct them and start again.") from None


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a process of ours that shall see exactly these settings.

    Generated secrets travel by their files, not by the environment.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PACELINE_")}
    changed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in settings
        if name not in GENERATED_SECRETS and value != type(settings).model_fields[name].get_default()
    }  # home has no fixed default, so it is always handed on
    secret_names = (f"PACELINE_{name.upper()}" for name in GENERATED_SECRETS)
    given = {name: os.environ[name] for name in secret_names if name in os.environ}
    return inherited | given | {f"PACELINE_{name.upper()}": str(value) for name, value in changed.items()}


def ensure_secrets(settings: Settings) -> Settings:
    """Write a random value for every secret that has none, readable by the owner only, and return the complete settings.

    The writer's password for a warehouse that has an address is its administrator's to say; there may be none.
    """
    missing = [name for name in GENERATED_SECRETS if not getattr(settings, name).get_secret_value()]
    if settings.clickhouse:
        missing = [name for name in missing if name != "clickhouse_writer_password"]
    if not missing:
        return settings
    made: dict[str, SecretStr] = {}
    with _alone(_secrets_folder(settings)) as folder:
        for name in missing:
            file = folder / f"paceline_{name}"
            if not file.exists() or not file.read_text().strip():
                write_secret(settings, name, secrets.token_urlsafe(32))
            made[name] = SecretStr(file.read_text().strip())
    return settings.model_copy(update=made)


def write_secret(settings: Settings, name: str, value: str) -> None:
    """Keep a secret in its file, from which every later start reads it. Readers see the old one or the new one, whole."""
    file = _secrets_folder(settings) / f"paceline_{name}"
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(value)
    fresh.replace(file)


def _secrets_folder(settings: Settings) -> Path:
    make_home(settings.home)
    folder = settings.home / "secrets"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Two first starts at once agree on the same secrets: the second finds what the first has made."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(handle)
