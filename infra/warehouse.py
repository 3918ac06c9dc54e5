"""Clients of the warehouse (ClickHouse over HTTP), one per role, and inserts that a retry cannot double."""

from typing import Any, Literal
from urllib.parse import urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.settings import Settings
from schemas.tables import Table

Role = Literal["writer", "reader", "analyst"]


def connection(settings: Settings, role: Role) -> dict[str, Any]:
    """What clickhouse-connect needs to connect as this role."""
    address = urlsplit(settings.clickhouse_address)
    user, password = {
        "writer": (settings.clickhouse_writer_user, settings.clickhouse_writer_password),
        "reader": (settings.clickhouse_reader_user, settings.clickhouse_reader_password),
        "analyst": (settings.clickhouse_analyst_user, settings.clickhouse_analyst_password),
    }[role]
    found: dict[str, Any] = {
        "host": address.hostname,
        "port": address.port or (8443 if address.scheme == "https" else 8123),
        "interface": address.scheme,
        "secure": address.scheme == "https",
        "database": address.path.strip("/") or "default",
        "username": user,
        "password": password.get_secret_value(),
        "autogenerate_session_id": False,
    }
    if settings.clickhouse_ca_file:
        found["ca_cert"] = str(settings.clickhouse_ca_file)
    return found


def open_client(settings: Settings, role: Role, **more: Any) -> Client:
    """A client without a server session, so threads may share it."""
    return clickhouse_connect.get_client(**connection(settings, role), **more)


def insert_once(client: Client, table: Table, rows: pa.Table, token: str) -> None:
    """Insert all rows or none. Repeated with the same `token` it adds nothing, so any transport error may be retried."""
    client.insert_arrow(table.name, rows, settings={"insert_deduplication_token": token})
