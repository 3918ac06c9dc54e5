"""Clients of the control plane's PostgreSQL: a pooled engine, and single connections for listening and leading."""

from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine

from infra.settings import Settings

STATEMENT_TIMEOUT_MS = 10_000


def open_engine(settings: Settings, **more: Any) -> Engine:
    """A pool that threads share. Connects at first use; a connection that died while it waited is replaced unseen."""
    return create_engine(
        settings.postgres_address,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 5,
            "application_name": "paceline",
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={STATEMENT_TIMEOUT_MS}",
        },
        **more,
    )


def open_connection(settings: Settings) -> psycopg.Connection:
    """One connection of its own in autocommit, for LISTEN and session locks: closing it gives them up.

    Raises psycopg.OperationalError when the server does not answer.
    """
    return psycopg.connect(
        settings.postgres_address.replace("postgresql+psycopg://", "postgresql://", 1),
        autocommit=True,
        connect_timeout=5,
        application_name="paceline-outbox",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        options="-c timezone=UTC",
    )
