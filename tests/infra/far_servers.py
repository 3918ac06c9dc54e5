"""Servers that somebody else runs, all behind TLS and passwords, and the settings of one who knows their addresses."""

import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType
from pydantic import SecretStr

from infra.embedded.launch import Launch
from infra.errors import PacelineError
from infra.kafka import GROUP, ensure_topics, open_admin
from infra.postgres import open_connection
from infra.settings import Settings, child_environment, load_settings, write_secret
from schemas.topics import DAY_MS, TOPICS, Topic
from tests.infra.secured import HOST, Authority, SecuredKafka, SecuredPostgres, tls_door
from tests.running import answers, running, settings_in, temporary_home, wait_until

NOTES = Topic("notes-by-address", "what a test wrote", "none", 1, DAY_MS)
TOPIC_RIGHTS = (AclOperation.CREATE, AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE)
KAFKA_PASSWORDS = {"admin": "hush-admin", "paceline": "hush-paceline"}
POSTGRES_PASSWORD = "hush@pg/100%?"
WAREHOUSE_USERS = {"clickhouse_writer_user": "gym_writer", "clickhouse_reader_user": "gym_reader"}
WAREHOUSE_PASSWORDS = {f"clickhouse_{role}_password": f"hush-{role}" for role in ("writer", "reader", "analyst")}


@dataclass
class Far:
    """Servers that somebody else runs, and the settings of one who knows their addresses."""

    settings: Settings
    authority: Authority
    stranger: Authority
    kafka: SecuredKafka
    postgres: SecuredPostgres

    def as_admin(self) -> Settings:
        """Of whoever runs the Kafka cluster."""
        return self.but(kafka_sasl_username="admin", kafka_sasl_password=SecretStr(KAFKA_PASSWORDS["admin"]))

    def but(self, **changed: Any) -> Settings:
        return self.settings.model_copy(update=changed)

    def postgres_address(self, *, host: str = HOST, password: str = POSTGRES_PASSWORD) -> SecretStr:
        return SecretStr(f"postgresql://gym:{quote(password, safe='')}@{host}:{self.postgres.port}/gym")


@contextmanager
def far_servers() -> Iterator[Far]:
    """All three, running."""
    with temporary_home() as home, ExitStack() as open_servers:
        authority, stranger = Authority(home / "authority"), Authority(home / "stranger")
        certificate = authority.certificate(HOST)
        kafka = SecuredKafka(home, authority, certificate, KAFKA_PASSWORDS)
        postgres = SecuredPostgres(home, certificate, "gym", POSTGRES_PASSWORD)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda server: server.prepare(), (kafka, postgres)))
        warehouse = _settings(home / "warehouse")
        serve = [sys.executable, "-m", "infra.cli", "warehouse", "serve"]
        launch = Launch(serve, child_environment(warehouse), warehouse.home)
        ping = f"http://{HOST}:{warehouse.clickhouse_port}/ping"
        open_servers.enter_context(running(kafka.launch(), lambda: True, home / "kafka.log"))
        open_servers.enter_context(running(launch, lambda: answers(ping), home / "warehouse.log"))
        open_servers.enter_context(running(postgres.launch(), lambda: True, home / "postgres.log", stop=signal.SIGINT))
        port = open_servers.enter_context(tls_door(certificate, warehouse.clickhouse_port))
        servers = Far(warehouse, authority, stranger, kafka, postgres)
        servers.settings = _settings(
            home / "near",
            kafka=f"{HOST}:{kafka.port}",
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_mechanism="PLAIN",
            kafka_sasl_username="paceline",
            kafka_sasl_password=KAFKA_PASSWORDS["paceline"],
            kafka_ca_file=authority.file,
            clickhouse=f"https://{HOST}:{port}/gym",
            clickhouse_ca_file=authority.file,
            postgres=servers.postgres_address(),
            postgres_ca_file=authority.file,
        )
        wait_until(lambda: lets_in(lambda: ensure_topics(servers.settings, (), timeout_s=1)), "Kafka lets us in")
        _allow(servers.as_admin(), "User:paceline", [topic.name for topic in TOPICS])
        _allow(servers.as_admin(), "User:*", [NOTES.name])
        wait_until(lambda: lets_in(lambda: open_connection(servers.settings).close()), "PostgreSQL lets us in")
        yield servers


def _settings(home: Path, **overrides: object) -> Settings:
    """The warehouse's passwords lie in files, as container platforms give them."""
    for name, password in WAREHOUSE_PASSWORDS.items():
        write_secret(load_settings(home=home), name, password)
    return settings_in(home, **WAREHOUSE_USERS, **overrides)


def _allow(admin: Settings, who: str, topics: list[str]) -> None:
    """All that docs/addresses.md asks of whoever runs the cluster, and no more."""
    wanted = [(ResourceType.TOPIC, topic, right) for topic in topics for right in TOPIC_RIGHTS]
    wanted.append((ResourceType.GROUP, GROUP, AclOperation.DESCRIBE))
    bindings = [
        AclBinding(kind, name, ResourcePatternType.LITERAL, who, "*", right, AclPermissionType.ALLOW)
        for kind, name, right in wanted
    ]
    client = open_admin(admin)
    for made in client.create_acls(bindings).values():
        made.result(30)


def lets_in(attempt: Callable[[], object]) -> bool:
    """Whether it succeeds."""
    try:
        attempt()
    except (PacelineError, psycopg.OperationalError):
        return False
    return True
