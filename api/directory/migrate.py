"""Bringing the control plane's tables to the newest shape, by Alembic, from wherever the package is installed."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from infra.errors import PacelineError
from infra.postgres import open_engine, unreachable
from infra.settings import Settings

MIGRATION_LOCK = 7_213_551_000


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration around a connection that is open already."""
    config = Config()
    config.set_main_option("script_location", "api.directory:migrations")
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """What `upgrade` brings the tables to."""
    config = Config()
    config.set_main_option("script_location", "api.directory:migrations")
    return ScriptDirectory.from_config(config).get_current_head() or ""


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Apply every migration that is missing up to `revision`; of several processes that try, one does and the others wait.

    Raises Unavailable when PostgreSQL does not answer, PacelineError when there is no such revision.
    """
    engine = open_engine(settings)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            command.upgrade(alembic_config(connection), revision)
    except OperationalError as failure:
        raise unreachable(failure.orig) from None
    except CommandError as failure:
        raise PacelineError(f"The control plane cannot be brought to {revision}: {failure}") from None
    finally:
        engine.dispose()
