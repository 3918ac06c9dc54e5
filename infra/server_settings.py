"""The settings that name the three servers: where they are, who we are to them, and how the way there is closed to others."""

import shlex
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra import addresses


class ServerSettings(BaseSettings):
    """Each server is embedded, or has an address.

    Each check hangs on a field, not on the whole, so that its fault is reported together with those of all other fields.
    """

    model_config = SettingsConfigDict(env_prefix="PACELINE_", frozen=True, extra="ignore", validate_default=True)

    kafka: str = Field("", description="bootstrap servers, host:port,…; empty: embedded Apache Kafka")
    kafka_port: int = Field(29092, ge=1024, le=65535, description="port of the embedded broker (its controller takes the next)")
    kafka_java_options: str = Field("", description="options for the embedded broker's Java: -Xmx1g where thousands train")
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
    clickhouse_keep_free_mb: int = Field(
        256, ge=0, description="disk space that the embedded warehouse leaves to the others: with less it takes no inserts"
    )
    clickhouse_memory_mb: int = Field(2048, ge=256, description="memory cap of the embedded warehouse")

    postgres: SecretStr = Field(
        SecretStr(""), description="postgresql://user:password@host:port/database; empty: embedded PostgreSQL"
    )
    postgres_ca_file: Path | None = Field(
        None, description="authority that signed PostgreSQL's certificate, which is then demanded for its host name"
    )

    @field_validator("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "clickhouse_ca_file", "postgres_ca_file")
    @classmethod
    def _can_be_read(cls, file: Path | None) -> Path | None:
        return addresses.readable(file) if file and file != Path() else None  # an empty variable is an empty path

    @field_validator("kafka")
    @classmethod
    def _is_a_kafka(cls, address: str) -> str:
        return addresses.check_kafka(address)

    @field_validator("kafka_java_options")
    @classmethod
    def _are_words(cls, options: str) -> str:
        shlex.split(options)  # tells what is wrong with it
        return options

    @field_validator("clickhouse")
    @classmethod
    def _is_a_warehouse(cls, address: str) -> str:
        return addresses.check_warehouse(address)

    @field_validator("postgres")
    @classmethod
    def _is_a_postgres(cls, address: SecretStr) -> SecretStr:
        if address.get_secret_value():
            addresses.check_postgres(address.get_secret_value())
        return address

    @field_validator("kafka_security_protocol")
    @classmethod
    def _embedded_kafka_is_plain(cls, protocol: str, others: ValidationInfo) -> str:
        if protocol != "PLAINTEXT" and others.data.get("kafka") == "":
            raise ValueError("the embedded Kafka, on loopback only, has neither TLS nor passwords: set PACELINE_KAFKA")
        return protocol

    @field_validator("kafka_sasl_username")
    @classmethod
    def _sasl_is_complete(cls, username: str, others: ValidationInfo) -> str:
        asked = others.data.get("kafka_security_protocol", "").startswith("SASL")
        if asked and not (others.data.get("kafka_sasl_mechanism") and username):
            raise ValueError("PACELINE_KAFKA_SECURITY_PROTOCOL asks for SASL: set PACELINE_KAFKA_SASL_MECHANISM and _USERNAME")
        if username and others.data.get("kafka_security_protocol") in {"PLAINTEXT", "SSL"}:
            raise ValueError("is used by the protocols SASL_PLAINTEXT and SASL_SSL only: set PACELINE_KAFKA_SECURITY_PROTOCOL")
        return username

    @field_validator("kafka_ca_file", "kafka_certificate_file")
    @classmethod
    def _tls_is_used(cls, file: Path | None, others: ValidationInfo) -> Path | None:
        if file and others.data.get("kafka_security_protocol") in {"PLAINTEXT", "SASL_PLAINTEXT"}:
            raise ValueError("is used by the protocols SSL and SASL_SSL only: set PACELINE_KAFKA_SECURITY_PROTOCOL")
        return file

    @field_validator("kafka_key_file")
    @classmethod
    def _key_fits(cls, key: Path | None, others: ValidationInfo) -> Path | None:
        certificate = others.data.get("kafka_certificate_file")
        if certificate and key:
            addresses.check_own_certificate(certificate, key)
        elif "kafka_certificate_file" in others.data and (certificate or key):
            raise ValueError("PACELINE_KAFKA_CERTIFICATE_FILE and PACELINE_KAFKA_KEY_FILE go together")
        return key

    @field_validator("clickhouse_ca_file")
    @classmethod
    def _warehouse_is_https(cls, file: Path | None, others: ValidationInfo) -> Path | None:
        if file and not others.data.get("clickhouse", "https").startswith("https:"):
            raise ValueError("is used with PACELINE_CLICKHOUSE=https://… only")
        return file

    @field_validator("postgres_ca_file")
    @classmethod
    def _postgres_proves_itself(cls, file: Path | None, others: ValidationInfo) -> Path | None:
        if file and "postgres" in others.data:
            if not others.data["postgres"].get_secret_value():
                raise ValueError("is used with PACELINE_POSTGRES only")
            addresses.check_postgres_proves_itself(others.data["postgres"].get_secret_value())
        return file

    @field_validator("kafka_ca_file", "clickhouse_ca_file", "postgres_ca_file")
    @classmethod
    def _is_an_authority(cls, file: Path | None) -> Path | None:
        if file:
            addresses.check_authority(file)
        return file
