"""What is written about servers that have addresses: faults are found at the start, by setting, and told without secrets."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from infra.errors import PacelineError
from infra.postgres import parameters, unreachable
from infra.server_settings import ServerSettings
from infra.settings import ensure_secrets, load_settings
from tests.infra.secured import Authority
from tests.running import ROOT

TLS_KAFKA = {"kafka": "broker:9093", "kafka_security_protocol": "SSL"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"kafka": "broker"}, "PACELINE_KAFKA: must be host:port"),
        ({"kafka": "https://broker:9092"}, "PACELINE_KAFKA: must be host:port"),
        ({"kafka_security_protocol": "SSL"}, "PACELINE_KAFKA_SECURITY_PROTOCOL: the embedded Kafka"),
        ({"kafka": "broker:9092", "kafka_sasl_username": "me"}, "PACELINE_KAFKA_SASL_USERNAME: is used by the protocols SASL"),
        ({"postgres": "postgresql:///paceline"}, "PACELINE_POSTGRES: must be postgresql://"),
        ({"postgres": "postgresql://me:hush@db"}, "PACELINE_POSTGRES: must be postgresql://"),
        ({"postgres": "postgresql://me:hu@sh@db/paceline"}, "PACELINE_POSTGRES: must be postgresql://"),
        ({"postgres": "postgresql://me:hu/sh@db/paceline"}, "PACELINE_POSTGRES: must be postgresql://"),
        ({"postgres": "postgresql://me:12/hush@db/paceline?sslmode=hush"}, "PACELINE_POSTGRES: must be postgresql://"),
    ],
)
def test_a_wrong_address_is_a_fault_of_its_setting(tmp_path: Path, given: dict[str, str], fault: str) -> None:
    with pytest.raises(PacelineError) as refused:
        load_settings(home=tmp_path, **given)
    assert fault in refused.value.problem
    assert "hush" not in refused.value.problem


def test_a_file_that_would_have_no_effect_is_a_fault(tmp_path: Path, authority: Authority) -> None:
    plain = {"kafka": "broker:9092", "clickhouse": "http://warehouse:8123/paceline", "postgres": "postgresql://me@db/paceline"}
    files = dict.fromkeys(("kafka_ca_file", "clickhouse_ca_file"), authority.file)
    with pytest.raises(PacelineError) as refused:
        load_settings(home=tmp_path, **plain, **files)
    assert "PACELINE_KAFKA_CA_FILE: is used by the protocols SSL and SASL_SSL only" in refused.value.problem
    assert "PACELINE_CLICKHOUSE_CA_FILE: is used with PACELINE_CLICKHOUSE=https" in refused.value.problem
    with pytest.raises(PacelineError, match="PACELINE_POSTGRES_CA_FILE: has no effect with the sslmode"):
        load_settings(home=tmp_path, postgres="postgresql://me@db/paceline?sslmode=prefer", postgres_ca_file=authority.file)
    with pytest.raises(PacelineError, match="PACELINE_POSTGRES_CA_FILE: is used with PACELINE_POSTGRES only"):
        load_settings(home=tmp_path, postgres_ca_file=authority.file)


def test_files_are_looked_at_before_anything_starts(tmp_path: Path, authority: Authority) -> None:
    own, other = authority.certificate("paceline.example"), authority.certificate("other.example")
    missing, empty, locked = tmp_path / "missing.pem", tmp_path / "empty.pem", tmp_path / "locked.key"
    empty.touch()
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    cipher = serialization.BestAvailableEncryption(b"hush")
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher))
    faults = {
        "PACELINE_KAFKA_CA_FILE: .*missing.pem cannot be read: No such file": {"kafka_ca_file": missing},
        "PACELINE_KAFKA_CA_FILE: .*empty.pem holds no certificate": {"kafka_ca_file": empty},
        "PACELINE_KAFKA_KEY_FILE: PACELINE_KAFKA_CERTIFICATE_FILE and": {"kafka_certificate_file": own.chain},
        "is not the key of the certificate": {"kafka_certificate_file": own.chain, "kafka_key_file": other.key},
        "is behind a password": {"kafka_certificate_file": own.chain, "kafka_key_file": locked},
    }
    for fault, given in faults.items():
        with pytest.raises(PacelineError, match=fault):
            load_settings(home=tmp_path, **TLS_KAFKA, **given)
    assert load_settings(home=tmp_path, **TLS_KAFKA, kafka_certificate_file=own.chain, kafka_key_file=own.key)


def test_a_file_named_from_here_is_found_by_processes_that_start_elsewhere(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(authority.file.parent)
    settings = load_settings(home=tmp_path, **TLS_KAFKA, kafka_ca_file=authority.file.name, kafka_certificate_file="")
    assert settings.kafka_ca_file == authority.file
    assert settings.kafka_certificate_file is None


def test_with_an_authority_postgresql_must_prove_its_name_unless_the_address_says_less(
    tmp_path: Path, authority: Authority
) -> None:
    several = "postgresql://me@one:5432,two:5433/paceline?target_session_attrs=read-write"
    found = parameters(load_settings(home=tmp_path, postgres=several, postgres_ca_file=authority.file))
    assert found == {
        "user": "me",
        "host": "one,two",
        "port": "5432,5433",
        "dbname": "paceline",
        "target_session_attrs": "read-write",
        "sslmode": "verify-full",
        "sslrootcert": str(authority.file),
    }
    less = "postgresql://me@one/paceline?sslmode=verify-ca"
    assert parameters(load_settings(home=tmp_path, postgres=less, postgres_ca_file=authority.file))["sslmode"] == "verify-ca"


def test_no_password_is_invented_for_the_writer_of_a_warehouse_that_has_an_address(tmp_path: Path) -> None:
    settings = ensure_secrets(load_settings(home=tmp_path, clickhouse="http://warehouse:8123/paceline"))
    assert settings.clickhouse_writer_password.get_secret_value() == ""
    assert settings.clickhouse_reader_password.get_secret_value()


def test_an_unknown_reason_still_has_a_remedy() -> None:
    assert unreachable(OSError("the cable\n is out")).problem == "PostgreSQL does not answer: the cable is out"
    assert "Is it running?" in unreachable(None).remedy


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_every_setting_of_a_server_stands_in_the_guide(name: str) -> None:
    assert f"`PACELINE_{name.upper()}`" in (ROOT / "docs" / "addresses.md").read_text()
