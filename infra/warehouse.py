"""Clients of the warehouse (ClickHouse over HTTP), one per role, and inserts that a retry cannot double."""

from typing import Any, Literal
from urllib.parse import urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.errors import PacelineError, Unavailable
from infra.settings import Settings
from schemas.tables import Table

Role = Literal["writer", "reader", "analyst"]
AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
REMEDIES = {
    "mismatch, certificate is not valid": "Name the server in PACELINE_CLICKHOUSE as its certificate does.",
    "CERTIFICATE_VERIFY_FAILED": "Set PACELINE_CLICKHOUSE_CA_FILE to the authority that signed the server's certificate.",
    "WRONG_VERSION_NUMBER": "That port speaks no TLS: take the server's other one (8443), or http:// without encryption.",
    "without response": "Is it running, and does that port ask for TLS (https://)?",
    "Failed to resolve": "Check the host in PACELINE_CLICKHOUSE.",
}
"""By the words of whatever failed on the way."""
OTHERWISE = {False: "Is it running? `paceline up` starts the embedded one.", True: "Is it running?"}
"""By whether the warehouse has an address."""
AS_IT_COMES = {"optimize_on_insert": 0}
"""Rows of one key are united when parts merge and when they are read, not once more while they are inserted: that took
most of an insert's processor time."""


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
    client.insert_arrow(table.name, rows, settings={"insert_deduplication_token": token, **AS_IT_COMES})


def refused(settings: Settings, role: Role, failure: Exception) -> PacelineError:
    """For people: why the warehouse does not serve this role, and what to do."""
    said = _innermost(failure)
    if AUTHENTICATION_FAILED in said:
        user = connection(settings, role)["username"]
        problem = f"The warehouse at {settings.clickhouse_address} does not let {user} in: wrong password, or no such user"
        names = f"PACELINE_CLICKHOUSE_{role.upper()}_USER and PACELINE_CLICKHOUSE_{role.upper()}_PASSWORD"
        return PacelineError(problem, f"Set {names} to a user of the server.")
    remedy = next((remedy for words, remedy in REMEDIES.items() if words in str(failure)), OTHERWISE[bool(settings.clickhouse)])
    return Unavailable(f"The warehouse at {settings.clickhouse_address} does not answer: {said}", remedy)


def _innermost(failure: BaseException) -> str:
    """What happened, without the layers that only pass it on."""
    below = getattr(failure, "reason", None) or failure.__cause__
    return _innermost(below) if isinstance(below, Exception) else str(failure)
