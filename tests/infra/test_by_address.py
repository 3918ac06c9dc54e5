"""Each server by its address: through TLS, with passwords, and with a sentence and a remedy when it does not let us in."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from api.directory.migrate import upgrade
from infra.errors import PacelineError
from infra.kafka import ensure_topics, open_admin, open_consumer, open_producer, read_to_end
from infra.migrate import migrate_warehouse
from infra.postgres import open_connection
from infra.settings import Settings, child_environment
from infra.supervisor.run_folder import RunFolder
from schemas.topics import DAY_MS, Topic
from tests.e2e.conftest import COMMAND, House, run_command, up
from tests.infra.far_servers import NOTES, WAREHOUSE_PASSWORDS, Far, far_servers, lets_in
from tests.infra.secured import HOST
from tests.running import wait_until

SCRAM_PASSWORD = "hush-scram"


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    with far_servers() as servers:
        yield servers


# Kafka


def by_password(far: Far, mechanism: str) -> Settings:
    """A user of SCRAM, made by the cluster's administrator."""
    admin = open_admin(far.as_admin())
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


def test_topics_that_the_cluster_will_not_make_are_named_with_what_to_change(far: Far) -> None:
    forbidden = Topic("somebody-elses", "not ours", "none", 1, DAY_MS)
    with pytest.raises(PacelineError, match="did not make the topic somebody-elses: Authorization failed") as refused:
        ensure_topics(far.settings, (forbidden,))
    assert "docs/addresses.md" in refused.value.remedy
    with pytest.raises(PacelineError, match="replication factor of 3 cannot be reached") as refused:
        ensure_topics(far.as_admin().model_copy(update={"kafka_replication": 3}), (forbidden,))
    assert "PACELINE_KAFKA_REPLICATION" in refused.value.remedy


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


# All of it


COMMANDS_REFUSED = {"topics --make": KAFKA_REFUSALS, "migrate": WAREHOUSE_REFUSALS, "users list": POSTGRES_REFUSALS}


def run_with_passwords(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The warehouse's passwords by variables, which count before files."""
    given = {f"PACELINE_{name.upper()}": getattr(settings, name).get_secret_value() for name in WAREHOUSE_PASSWORDS}
    environment = child_environment(settings) | given
    return subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_command_that_is_refused_prints_two_lines_and_no_secret(far: Far) -> None:
    for command, refusals in COMMANDS_REFUSED.items():
        changed, words, remedy = refusals["a wrong password"]
        told = run_with_passwords(changed(far), *command.split())
        assert told.returncode == 1
        first, second = told.stderr.strip().splitlines()
        assert first.startswith("Error: ")
        assert words in first
        assert remedy in second
        assert "hush" not in told.stdout + told.stderr


def test_the_whole_product_runs_on_three_addresses_and_starts_no_server_of_its_own(far: Far) -> None:
    settings = far.settings
    migrated = run_command(settings, "migrate")
    assert (migrated.returncode, migrated.stderr) == (0, "")
    with up(settings):
        seeded = run_command(settings, "seed", "--demo", "--members", "3", "--json")
        assert seeded.returncode == 0, seeded.stderr
        house = House(settings, json.loads(seeded.stdout))
        state = RunFolder(settings.home).read_state()
        assert state
        assert {child.name for child in state.children} == {"flow-store-0", "flow-live-0", "api", "gateway"}
        with house.signed_in() as trainer:
            send_and_find(house, trainer)
    written = {path: path.read_text(errors="replace") for path in settings.home.rglob("*.log")}
    assert len(written) >= 5
    assert [str(path) for path, text in written.items() if "hush" in text or "AUTHORIZATION_FAILED" in text] == []
    assert {path.name for path in settings.home.iterdir() if path.is_dir()} == {"flows", "logs", "run", "secrets"}


def send_and_find(house: House, trainer: httpx.Client) -> None:
    """A heart rate goes in by the gateway, and comes out live, from the warehouse, and as an acknowledged class's summary."""
    member = house.seeded["members"][0]["id"]
    session_id = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
    sent = {
        "type": "heart_rate",
        "event_id": "by-address-1",
        "member_id": member,
        "device_id": "strap",
        "event_time_ms": int(time.time() * 1000),
        "heart_rate_bpm": 147,
    }

    def accepted() -> bool:
        token = {"Authorization": f"Bearer {house.seeded['device_token']}"}
        answer = httpx.post(f"{house.settings.gateway_url}/v1/events", json=sent, headers=token, timeout=30)
        return answer.status_code == 200 and answer.json()["accepted"] + answer.json()["doubled"] == 1

    def points() -> list[list[float]]:
        asked = {"session_id": session_id, "metric": "heart_rate_bpm"}
        return trainer.get(f"/api/v1/members/{member}/series", params=asked).raise_for_status().json()["points"]

    def live() -> object:
        return trainer.get(f"/api/v1/live/sessions/{session_id}").raise_for_status().json()["live"]

    wait_until(accepted, "the gateway has taken the event", pause_s=0.5)
    wait_until(live, "the live flow told the API", pause_s=0.7)
    wait_until(points, "the store flow wrote it to the warehouse", pause_s=0.7)
    assert [value for _at, value in points()] == [147]
    trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
    summary = f"/api/v1/sessions/{session_id}/summary"
    wait_until(lambda: trainer.get(summary).status_code == 200, "the summary", pause_s=0.7)
    rows = {row["member_id"]: row for row in trainer.get(summary).json()["members"]}
    assert rows[member]["heart_rate_max_bpm"] == 147
