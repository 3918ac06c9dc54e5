"""Brings the three stores to this release's shape: topics, warehouse tables and users, control plane. Idempotent."""

import hashlib
import re
from importlib.metadata import entry_points

from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException
from pydantic import SecretStr

from infra.errors import PacelineError
from infra.kafka import ensure_topics
from infra.settings import Settings
from infra.telemetry.logs import logger
from infra.warehouse import AUTHENTICATION_FAILED, Role, connection, open_client, refused
from schemas.tables import MIGRATIONS, TABLES

log = logger(__name__)
CONTROL_PLANE = "paceline.migrations"
NEWEST = "head"
REVISIONS = "paceline.revisions"
READERS: tuple[Role, ...] = ("reader", "analyst")
ACCESS_DENIED = ("Code: 497", "code 497")


def migrate(settings: Settings) -> None:
    """All three; run it from one place at a time.

    Raises PacelineError when a store cannot be reached or has been changed behind the migrations' back.
    """
    ensure_topics(settings)
    migrate_warehouse(settings)
    migrate_control_plane(settings)


def migrate_warehouse(settings: Settings, version: int | None = None) -> None:
    """Database, tables and views, as the writer; on a server of its own also the two readers. To `version`, else the newest."""
    given = connection(settings, "writer")
    cluster = ClickhouseCluster(
        db_host=given["host"],
        db_port=str(given["port"]),
        db_user=given["username"],
        db_password=given["password"],
        secure=given["secure"],
        ca_cert=given.get("ca_cert"),
        driver="clickhouse-connect",
    )
    try:
        cluster.migrate(given["database"], MIGRATIONS, to_version=version)
    except OperationalError as failure:
        raise refused(settings, "writer", failure) from None
    except (MigrationException, DatabaseError) as failure:
        if AUTHENTICATION_FAILED in str(failure):
            raise refused(settings, "writer", failure) from None
        raise PacelineError(f"The warehouse could not be migrated: {failure}") from failure
    if settings.clickhouse and not readers_read(settings):
        grant_readers(settings)


def readers_read(settings: Settings) -> bool:
    """Whether the API's reader and the analyst get at the tables already."""
    try:
        for role in READERS:
            with open_client(settings, role) as client:
                client.command(f"SELECT 1 FROM {TABLES[0].view} LIMIT 0")  # noqa: S608 - a name of ours
    except DatabaseError:
        return False
    return True


def reader_statements(settings: Settings, *, reader_sha256: str, analyst_sha256: str) -> list[str]:
    """What makes the API's reader and the analyst on a ClickHouse server, both of whom only read. No password is sent."""
    database = connection(settings, "writer")["database"]
    reader, analyst = settings.clickhouse_reader_user, settings.clickhouse_analyst_user
    limits = "readonly = 2, max_execution_time = 60, max_memory_usage = 2000000000"
    return [
        f"CREATE USER IF NOT EXISTS `{reader}` IDENTIFIED WITH sha256_hash BY '{reader_sha256}' SETTINGS readonly = 2",
        f"CREATE USER IF NOT EXISTS `{analyst}` IDENTIFIED WITH sha256_hash BY '{analyst_sha256}' SETTINGS {limits}",
        f"GRANT SELECT ON `{database}`.* TO `{reader}`, `{analyst}`",
    ]


def grant_readers(settings: Settings) -> None:
    """Make the readers, or say what an administrator must run when the writer may not make users."""
    hashes = {
        "reader_sha256": _sha256(settings.clickhouse_reader_password),
        "analyst_sha256": _sha256(settings.clickhouse_analyst_password),
    }
    with open_client(settings, "writer") as client:
        try:
            for statement in reader_statements(settings, **hashes):
                client.command(statement)
        except DatabaseError as refused:
            if not any(mark in str(refused) for mark in ACCESS_DENIED):
                raise PacelineError(f"The warehouse's readers could not be made: {refused}") from refused
            shown = reader_statements(settings, reader_sha256="<sha256, hex>", analyst_sha256="<sha256, hex>")
            log.warning("warehouse_readers_not_made", why="the writer may not make users", run_as_administrator=shown)
            return
    if not readers_read(settings):
        names = f"{settings.clickhouse_reader_user} and {settings.clickhouse_analyst_user}"
        problem = f"The warehouse has the users {names}, but not with the passwords of these settings"
        raise PacelineError(
            problem, "Set PACELINE_CLICKHOUSE_READER_PASSWORD and PACELINE_CLICKHOUSE_ANALYST_PASSWORD to theirs."
        )


def _sha256(password: SecretStr) -> str:
    return hashlib.sha256(password.get_secret_value().encode()).hexdigest()


def newest_warehouse_version() -> int:
    """What `migrate_warehouse` brings the tables to."""
    return max(int(found[0]) for path in MIGRATIONS.glob("*.sql") if (found := re.match(r"\d+", path.name)))


def newest_control_plane_revision() -> str:
    """What `migrate_control_plane` brings the tables to; empty when no stage tells."""
    return next((str(entry.load()()) for entry in entry_points(group=REVISIONS)), "")


def migrate_control_plane(settings: Settings, revision: str = NEWEST) -> None:
    """PostgreSQL's tables. They belong to a later stage, which registers its migration by entry point."""
    for entry in entry_points(group=CONTROL_PLANE):
        entry.load()(settings, revision)
