"""One frozen settings object, read once from the environment and the secrets folder, checked at start.

Every setting is an environment variable `PACELINE_<NAME>`. Secrets may also be files `<home>/secrets/paceline_<name>`, which is
also how container platforms mount them. An empty server address means the embedded server.
"""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.errors import PacelineError

SOCKET_ADDRESS_BYTES = 103
"""Linux takes 107, macOS 103."""
GENERATED_SECRETS = (
    "jwt_secret",
    "clickhouse_writer_password",
    "clickhouse_reader_password",
    "clickhouse_analyst_password",
)


def default_home() -> Path:
    """`.paceline` in the current folder when there is one (as `make demo` makes it), else the user's data folder."""
    here = Path(".paceline").absolute()
    return here if here.is_dir() else Path(platformdirs.user_data_path("paceline"))


class Settings(BaseSettings):
    """All that an operator can change. Frozen: a process that needs another value is started again."""

    model_config = SettingsConfigDict(env_prefix="PACELINE_", frozen=True, extra="ignore", validate_default=True)

    home: Path = Field(
        default_factory=default_home,
        description="folder of everything that embedded servers and flows keep",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe level that is logged")
    log_format: Literal["json", "console"] = Field("json", description="one JSON object a line, or text for people")

    kafka: str = Field("", description="bootstrap servers, host:port,…; empty: embedded Apache Kafka")
    kafka_port: int = Field(29092, ge=1024, le=65535, description="port of the embedded broker (its controller takes the next)")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to speak to Kafka"
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "", description="needed when the protocol is SASL"
    )
    kafka_sasl_username: str = Field("", description="user for SASL")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="password for SASL")
    kafka_ca_file: Path | None = Field(None, description="authority that signed the brokers' certificates")
    kafka_certificate_file: Path | None = Field(None, description="own certificate, for mutual TLS")
    kafka_key_file: Path | None = Field(None, description="key of the own certificate")
    kafka_replication: int = Field(1, ge=1, le=5, description="replicas of each topic when topics are made")

    clickhouse: str = Field("", description="http(s)://host:port/database; empty: embedded warehouse")
    clickhouse_port: int = Field(28123, ge=1024, le=65535, description="port of the embedded warehouse")
    clickhouse_writer_user: str = Field("paceline_writer", description="warehouse user of flows and migrations")
    clickhouse_writer_password: SecretStr = Field(
        SecretStr(""), description="its password; made at the first start when the warehouse is embedded"
    )
    clickhouse_reader_user: str = Field("paceline_reader", description="warehouse user of the API")
    clickhouse_reader_password: SecretStr = Field(
        SecretStr(""), description="its password; made at the first start when the warehouse is embedded"
    )
    clickhouse_analyst_user: str = Field("analyst", description="warehouse user of people who ask questions in SQL")
    clickhouse_analyst_password: SecretStr = Field(
        SecretStr(""), description="its password; made at the first start when the warehouse is embedded"
    )
    clickhouse_ca_file: Path | None = Field(None, description="authority that signed the warehouse's certificate")
    clickhouse_memory_mb: int = Field(2048, ge=256, description="memory cap of the embedded warehouse")

    postgres: SecretStr = Field(
        SecretStr(""), description="postgresql://user:password@host:port/database; empty: embedded PostgreSQL"
    )

    api_host: str = Field("127.0.0.1", description="address on which API and pages listen")
    api_port: int = Field(28080, ge=1024, le=65535, description="port of API and pages")
    gateway_host: str = Field("127.0.0.1", description="address on which the device gateway listens")
    gateway_port: int = Field(28081, ge=1024, le=65535, description="port of the device gateway")
    supervisor_port: int = Field(28089, ge=1024, le=65535, description="where the supervisor shows its Prometheus metrics")
    metrics_port: int = Field(28090, ge=1024, le=65535, description="first of the ports on which flows show Prometheus metrics")
    simulator_port: int = Field(28082, ge=1024, le=65535, description="where the demo's straps are switched on and off")
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

    flow_epoch_s: float = Field(5, ge=0.2, le=60, description="seconds between the flows' checkpoints")
    flow_groups: int = Field(1, ge=1, le=8, description="processes per flow; each owns an equal share of the partitions")

    @model_validator(mode="after")
    def _addresses_are_complete(self) -> Self:
        faults: list[str] = []
        if self.clickhouse and urlsplit(self.clickhouse).scheme not in {"http", "https"}:
            faults.append("PACELINE_CLICKHOUSE must be http(s)://host:port/database")
        if self.postgres.get_secret_value() and not self.postgres.get_secret_value().startswith(
            ("postgresql://", "postgres://")
        ):
            faults.append("PACELINE_POSTGRES must be postgresql://user:password@host:port/database")
        if self.kafka_security_protocol.startswith("SASL") and not (self.kafka_sasl_mechanism and self.kafka_sasl_username):
            faults.append("PACELINE_KAFKA_SECURITY_PROTOCOL asks for SASL: set PACELINE_KAFKA_SASL_MECHANISM and _USERNAME")
        ports = [self.kafka_port, self.kafka_port + 1, self.clickhouse_port, self.api_port, self.gateway_port]
        ports += [self.supervisor_port, *(self.metrics_port + n for n in range(2 * self.flow_groups))]
        if len(set(ports)) != len(ports):
            faults.append(
                "ports must differ from each other: kafka, kafka + 1, clickhouse, api, gateway, supervisor, "
                f"metrics (two for each flow group) are {ports}"
            )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def kafka_address(self) -> str:
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def clickhouse_address(self) -> str:
        return self.clickhouse or f"http://127.0.0.1:{self.clickhouse_port}/paceline"

    @property
    def postgres_address(self) -> str:
        """An SQLAlchemy address (psycopg 3)."""
        given = self.postgres.get_secret_value()
        if given:
            return "postgresql+psycopg://" + given.split("://", 1)[1]
        return f"postgresql+psycopg://paceline@/paceline?host={self.postgres_socket_dir}"

    @property
    def postgres_socket_dir(self) -> Path:
        """Under home, unless home is too deep for the address of a Unix socket: then a folder named after it."""
        near = self.home / "run" / "postgres"
        if len(os.fsencode(near / ".s.PGSQL.5432")) <= SOCKET_ADDRESS_BYTES:
            return near
        return Path("/tmp", f"paceline-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}")  # noqa: S108 - made private and checked by the server

    @property
    def api_url(self) -> str:
        return f"http://{self.api_host}:{self.api_port}"

    @property
    def gateway_url(self) -> str:
        return f"http://{self.gateway_host}:{self.gateway_port}"

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
            f"PACELINE_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}" if fault["loc"] else fault["msg"]
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
    """Write a random value for every secret that has none, readable by the owner only, and return the complete settings."""
    made: dict[str, SecretStr] = {}
    for name in GENERATED_SECRETS:
        if not getattr(settings, name).get_secret_value():
            made[name] = SecretStr(secrets.token_urlsafe(32))
            write_secret(settings, name, made[name].get_secret_value())
    return settings.model_copy(update=made)


def write_secret(settings: Settings, name: str, value: str) -> None:
    """Keep a secret in its file, from which every later start reads it."""
    folder = settings.home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"paceline_{name}"
    path.touch(mode=0o600)
    path.write_text(value)
