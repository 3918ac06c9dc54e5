"""Clients of the control plane's PostgreSQL: a pooled engine, and single connections for listening and leading."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, Engine, create_engine

from infra.errors import Unavailable
from infra.settings import Settings

STATEMENT_TIMEOUT_MS = 10_000
TRUST = "Set PACELINE_POSTGRES_CA_FILE to the authority that signed the server's certificate."
RUN = "Is it running? `paceline up` starts the embedded one."
REMEDIES = {
    "authentication failed": "Check user and password in PACELINE_POSTGRES.",
    "certificate verify failed": TRUST,
    "root certificate file": TRUST,
    "does not match host name": "Name the server in PACELINE_POSTGRES as its certificate does.",
    "no encryption": "The server takes encrypted connections only: set PACELINE_POSTGRES_CA_FILE, or sslmode in the address.",
    "does not support SSL": "PACELINE_POSTGRES asks for encryption, which the server has not switched on.",
    "could not translate host name": "Check the host in PACELINE_POSTGRES.",
    "does not exist": "Make the user and an empty database of its own, or correct PACELINE_POSTGRES.",
}
"""By what libpq or the server says."""


def parameters(settings: Settings) -> dict[str, Any]:
    """The address in libpq's words, with the authority that must have signed the server's certificate."""
    found: dict[str, Any] = conninfo_to_dict(settings.postgres_address)
    if settings.postgres_ca_file:
        found = {"sslmode": "verify-full"} | found | {"sslrootcert": str(settings.postgres_ca_file)}
    return found


def open_engine(settings: Settings, **more: Any) -> Engine:
    """A pool that threads share. Connects at first use; a connection that died while it waited is replaced unseen."""
    return create_engine(
        "postgresql+psycopg://",
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        connect_args=parameters(settings)
        | {
            "connect_timeout": 5,
            "application_name": "paceline",
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={STATEMENT_TIMEOUT_MS}",
        },
        **more,
    )


def ensure_schema(settings: Settings, schema: str) -> None:
    """Make a schema beside the control plane's, for a program that brings tables of its own.

    Raises Unavailable when the server does not answer or refuses.
    """
    try:
        with open_connection(settings) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    except psycopg.Error as failure:
        raise unreachable(failure) from None


def schema_url(settings: Settings, schema: str, driver: str) -> str:
    """The address of that schema for SQLAlchemy, passwords included: keep it out of command lines, files and logs."""
    found = parameters(settings)
    options = " ".join([str(found.pop("options", "")), f"-c search_path={schema}"]).strip()
    query = {name: str(value) for name, value in {**found, "options": options}.items()}
    return URL.create(f"postgresql+{driver}", query=query).render_as_string(hide_password=False)


def open_connection(settings: Settings) -> psycopg.Connection:
    """One connection of its own in autocommit, for LISTEN and session locks: closing it gives them up.

    Raises psycopg.OperationalError when the server does not answer.
    """
    asked = {
        "connect_timeout": 5,
        "application_name": "paceline-outbox",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "options": "-c timezone=UTC",
    }
    return psycopg.connect(**parameters(settings) | asked, autocommit=True)


def unreachable(failure: BaseException | None) -> Unavailable:
    """For people: why there is no connection, and what to do."""
    said = " ".join(str(failure).split())
    remedy = next(
        (remedy for words, remedy in REMEDIES.items() if words in said), "Is it running? `paceline up` starts the embedded one."
    )
    return Unavailable(f"PostgreSQL does not answer: {said}", remedy)
