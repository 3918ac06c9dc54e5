"""The control plane's migrations: there, back, and equal to the models."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from api.directory.migrate import alembic_config, upgrade
from infra.postgres import open_engine
from infra.settings import Settings

pytestmark = pytest.mark.servers
SCHEMA = "migration_test"


@pytest.fixture
def connection(postgres_only: Settings) -> Iterator[Connection]:
    """An empty schema of its own beside the tables that other tests use."""
    engine = open_engine(postgres_only)
    with engine.begin() as opened:
        opened.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        opened.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        opened.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
        opened.dialect.default_schema_name = SCHEMA
        yield opened
        opened.rollback()
    engine.dispose()


def test_upgrade_downgrade_upgrade_leaves_what_the_models_say(connection: Connection) -> None:
    config = alembic_config(connection)
    command.upgrade(config, "head")
    made = set(inspect(connection).get_table_names(SCHEMA))
    assert {"users", "sessions", "outbox", "alembic_version"} <= made
    command.downgrade(config, "base")
    assert inspect(connection).get_table_names(SCHEMA) == ["alembic_version"]
    command.upgrade(config, "head")
    assert set(inspect(connection).get_table_names(SCHEMA)) == made


def test_migrations_and_models_do_not_drift_apart(connection: Connection) -> None:
    config = alembic_config(connection)
    command.upgrade(config, "head")
    command.check(config)


def test_migrating_again_changes_nothing(postgres_only: Settings) -> None:
    upgrade(postgres_only)
    upgrade(postgres_only)
