"""Clients of the warehouse (ClickHouse over HTTP), one per role, and how rows are inserted."""

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
AS_IT_COMES = {"optimize_on_insert": 0, "deduplicate_insert": "disable"}
"""Rows of one key are united when parts merge and when they are read, not once more while they are inserted: that took
most of an insert's processor time. And the engine recognises no repeated insert: it notes one before its rows are there, and
after a death in between it would take the repetition for a double (infra/decisions/0019). `insert_deduplicate` means nothing
to a server of 26.9."""


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


def insert_rows(client: Client, table: Table, rows: pa.Table) -> None:
    """Insert rows. After an error it is unknown whether they got in: insert them again, readers of the view see each once."""
    client.insert_arrow(table.name, rows, settings=AS_IT_COMES)


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
