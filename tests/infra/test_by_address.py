"""Each server by its address: through TLS, with passwords, and with a sentence and a remedy when it does not let us in."""

import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from api.directory.migrate import upgrade
from infra.embedded.launch import Launch
from infra.errors import PacelineError
from infra.kafka import ensure_topics, open_admin, open_consumer, open_producer, read_to_end
from infra.migrate import migrate_warehouse
from infra.postgres import open_connection
from infra.settings import Settings, child_environment
from schemas.topics import DAY_MS, Topic
from tests.infra.secured import HOST, Authority, SecuredKafka, SecuredPostgres, tls_door
from tests.running import answers, running, settings_in, temporary_home, wait_until

NOTES = Topic("notes-by-address", "what the test wrote", "none", 1, DAY_MS)
KAFKA_PASSWORDS = {"admin": "hush-admin", "paceline": "hush-paceline"}
SCRAM_PASSWORD = "hush-scram"
POSTGRES_PASSWORD = "hush@pg/100%?"
WAREHOUSE = {
    "clickhouse_writer_user": "gym_writer",
    "clickhouse_writer_password": SecretStr("hush-writer"),
    "clickhouse_reader_user": "gym_reader",
    "clickhouse_reader_password": SecretStr("hush-reader"),
    "clickhouse_analyst_password": SecretStr("hush-analyst"),
}


@dataclass
class Far:
    """Servers that somebody else runs, and the settings of one who knows their addresses."""

    settings: Settings
    authority: Authority
    stranger: Authority
    kafka: SecuredKafka
    postgres: SecuredPostgres

    def but(self, **changed: Any) -> Settings:
        return self.settings.model_copy(update=changed)

    def postgres_address(self, *, host: str = HOST, password: str = POSTGRES_PASSWORD) -> SecretStr:
        return SecretStr(f"postgresql://gym:{quote(password, safe='')}@{host}:{self.postgres.port}/gym")


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    with temporary_home() as home, ExitStack() as open_servers:
        authority, stranger = Authority(home / "authority"), Authority(home / "stranger")
        certificate = authority.certificate(HOST)
        kafka = SecuredKafka(home, authority, certificate, KAFKA_PASSWORDS)
        postgres = SecuredPostgres(home, certificate, "gym", POSTGRES_PASSWORD)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda server: server.prepare(), (kafka, postgres)))
        warehouse = settings_in(home / "warehouse", **WAREHOUSE)
        serve = [sys.executable, "-m", "infra.cli", "warehouse", "serve"]
        launch = Launch(serve, child_environment(warehouse), warehouse.home)
        ping = f"http://{HOST}:{warehouse.clickhouse_port}/ping"
        open_servers.enter_context(running(kafka.launch(), lambda: True, home / "kafka.log"))
        open_servers.enter_context(running(launch, lambda: answers(ping), home / "warehouse.log"))
        open_servers.enter_context(running(postgres.launch(), lambda: True, home / "postgres.log", stop=signal.SIGINT))
        port = open_servers.enter_context(tls_door(certificate, warehouse.clickhouse_port))
        servers = Far(warehouse, authority, stranger, kafka, postgres)
        servers.settings = settings_in(
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
            **WAREHOUSE,
        )
        wait_until(lambda: lets_in(lambda: ensure_topics(servers.settings, (NOTES,), timeout_s=1)), "Kafka lets us in")
        wait_until(lambda: lets_in(lambda: open_connection(servers.settings).close()), "PostgreSQL lets us in")
        yield servers


def lets_in(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (PacelineError, psycopg.OperationalError):
        return False
    return True


# Kafka


def by_password(far: Far, mechanism: str) -> Settings:
    """A user of SCRAM, made by the cluster's administrator."""
    admin = open_admin(far.but(kafka_sasl_username="admin", kafka_sasl_password=SecretStr(KAFKA_PASSWORDS["admin"])))
    kind = ScramCredentialInfo(ScramMechanism[mechanism.replace("-", "_")], 4096)
    for made in admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion("trainer", kind, SCRAM_PASSWORD.encode())]
    ).values():
        made.result(30)
    return far.but(kafka_sasl_mechanism=mechanism, kafka_sasl_username="trainer", kafka_sasl_password=SecretStr(SCRAM_PASSWORD))


def by_certificate(far: Far) -> Settings:
    own = far.authority.certificate("paceline.gym.example")
    return far.but(
        kafka=f"{HOST}:{far.kafka.certificate_port}",
        kafka_security_protocol="SSL",
        kafka_certificate_file=own.chain,
        kafka_key_file=own.key,
    )


WAYS_IN: dict[str, Callable[[Far], Settings]] = {
    "PLAIN": lambda far: far.settings,
    "SCRAM-SHA-256": lambda far: by_password(far, "SCRAM-SHA-256"),
    "SCRAM-SHA-512": lambda far: by_password(far, "SCRAM-SHA-512"),
    "own certificate": by_certificate,
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_kafka_is_written_and_read_through_tls_by_every_way_in(far: Far, way: str) -> None:
    settings = WAYS_IN[way](far)
    wait_until(lambda: lets_in(lambda: ensure_topics(settings, (NOTES,), timeout_s=2)), "a new user is known")
    producer, failures = open_producer(settings), []
    for number in range(1_000):
        producer.produce(NOTES.name, f"{way} {number}", on_delivery=lambda error, _m: failures.append(error) if error else None)
    assert producer.flush(60) == 0
    assert failures == []
    consumer = open_consumer(settings)
    found = [message.value().decode() for message in read_to_end(consumer, NOTES)]
    consumer.close()
    assert [text for text in found if text.startswith(way)] == [f"{way} {number}" for number in range(1_000)]


KAFKA_REFUSALS: dict[str, tuple[Callable[[Far], Settings], str, str]] = {
    "a wrong password": (
        lambda far: far.but(kafka_sasl_password=SecretStr("hush-guess")),
        "Invalid username or password",
        "Check PACELINE_KAFKA_SASL_USERNAME",
    ),
    "a certificate of an unknown authority": (
        lambda far: far.but(kafka_ca_file=far.stranger.file),
        "certificate could not be verified",
        "PACELINE_KAFKA_CA_FILE",
    ),
    "no certificate of ours": (
        lambda far: far.but(kafka=f"{HOST}:{far.kafka.certificate_port}", kafka_security_protocol="SSL"),
        "certificate required",
        "check PACELINE_KAFKA_CERTIFICATE_FILE",
    ),
    "a client that speaks without TLS": (
        lambda far: far.but(kafka_security_protocol="PLAINTEXT", kafka_ca_file=None),
        "does not answer",
        "PACELINE_KAFKA_SECURITY_PROTOCOL",
    ),
}


@pytest.mark.parametrize("case", KAFKA_REFUSALS)
def test_kafka_refuses_in_words_and_the_remedy_names_the_setting(far: Far, case: str) -> None:
    changed, words, remedy = KAFKA_REFUSALS[case]
    with pytest.raises(PacelineError) as refused:
        ensure_topics(changed(far), timeout_s=2 if "without TLS" in case else 60)
    assert words in refused.value.problem
    assert remedy in refused.value.remedy
    assert "hush" not in refused.value.problem + refused.value.remedy


# Warehouse

WAREHOUSE_REFUSALS: dict[str, tuple[Callable[[Far], Settings], str, str]] = {
    "a wrong password": (
        lambda far: far.but(clickhouse_writer_password=SecretStr("hush-guess")),
        "does not let gym_writer in",
        "PACELINE_CLICKHOUSE_WRITER_PASSWORD",
    ),
    "a certificate of an unknown authority": (
        lambda far: far.but(clickhouse_ca_file=far.stranger.file),
        "certificate verify failed",
        "PACELINE_CLICKHOUSE_CA_FILE",
    ),
    "a client that speaks without TLS": (
        lambda far: far.but(clickhouse=far.settings.clickhouse.replace("https:", "http:"), clickhouse_ca_file=None),
        "does not answer",
        "https://",
    ),
}


@pytest.mark.parametrize("case", WAREHOUSE_REFUSALS)
def test_the_warehouse_refuses_in_words_and_the_remedy_names_the_setting(far: Far, case: str) -> None:
    changed, words, remedy = WAREHOUSE_REFUSALS[case]
    with pytest.raises(PacelineError) as refused:
        migrate_warehouse(changed(far))
    assert words in refused.value.problem
    assert remedy in refused.value.remedy
    assert "hush" not in refused.value.problem + refused.value.remedy


# PostgreSQL


def test_postgresql_must_prove_itself_and_is_told_apart_by_its_authority(far: Far) -> None:
    with open_connection(far.settings) as connection:
        found = connection.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert found == (True, "TLSv1.3")


POSTGRES_REFUSALS: dict[str, tuple[Callable[[Far], Settings], str, str]] = {
    "a wrong password": (
        lambda far: far.but(postgres=far.postgres_address(password="hush-guess")),
        "password authentication failed",
        "Check user and password in PACELINE_POSTGRES",
    ),
    "a certificate of an unknown authority": (
        lambda far: far.but(postgres_ca_file=far.stranger.file),
        "certificate verify failed",
        "PACELINE_POSTGRES_CA_FILE",
    ),
    "a certificate of another host": (
        lambda far: far.but(postgres=far.postgres_address(host="localhost")),
        "does not match host name",
        "as its certificate does",
    ),
    "a client that speaks without TLS": (
        lambda far: far.but(
            postgres=SecretStr(far.postgres_address().get_secret_value() + "?sslmode=disable"), postgres_ca_file=None
        ),
        "no encryption",
        "PACELINE_POSTGRES_CA_FILE",
    ),
}


@pytest.mark.parametrize("case", POSTGRES_REFUSALS)
def test_postgresql_refuses_in_words_and_the_remedy_names_the_setting(far: Far, case: str) -> None:
    changed, words, remedy = POSTGRES_REFUSALS[case]
    with pytest.raises(PacelineError) as refused:
        upgrade(changed(far))
    assert words in refused.value.problem
    assert remedy in refused.value.remedy
    assert "hush" not in refused.value.problem + refused.value.remedy
