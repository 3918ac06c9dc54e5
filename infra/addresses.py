"""What may be written into the settings of a server that has an address: the address itself, and the files of its encryption.

Every check raises ValueError whose words hold no secret.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

POSTGRES_FORM = (
    "must be postgresql://user:password@host:port/database; in user and password @ is written as %40, / as %2F, % as %25"
)


def check_kafka(address: str) -> str:
    """Bootstrap servers, as `host:port,host:port`."""
    for server in address.split(",") if address else ():
        host, _, port = server.strip().rpartition(":")
        if "/" in server or not host or not port.isdigit():
            raise ValueError("must be host:port, and more of them after commas")
    return address


def check_http(address: str) -> str:
    """Where a process of ours is reached."""
    parts = urlsplit(address)
    if address and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise ValueError("must be http(s)://host:port")
    return address


def check_warehouse(address: str) -> str:
    """Where ClickHouse speaks HTTP."""
    parts = urlsplit(address)
    if address and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise ValueError("must be http(s)://host:port/database")
    if parts.username is not None:
        raise ValueError("must name no user and no password: PACELINE_CLICKHOUSE_WRITER_USER and its like do")
    return address


def check_postgres(address: str) -> None:
    """An address as libpq reads it, several hosts and parameters after `?` included."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not address.startswith(("postgresql://", "postgres://")):
        raise ValueError(POSTGRES_FORM)
    try:
        found = conninfo_to_dict(address)
    except psycopg.Error:  # its words may quote the password
        raise ValueError(POSTGRES_FORM) from None
    database, ports = str(found.get("dbname") or ""), str(found.get("port", "5432")).split(",")
    understood = found.get("host") and database and "@" not in database and all(port.isdigit() for port in ports)
    if not understood or address.count("@") > 1:  # libpq takes part of a password for something else, and would say it aloud
        raise ValueError(POSTGRES_FORM)


def check_postgres_proves_itself(address: str) -> None:
    """With a known authority the server's certificate must be asked for."""
    from psycopg.conninfo import conninfo_to_dict

    if conninfo_to_dict(address).get("sslmode") in {"disable", "allow", "prefer"}:
        raise ValueError("has no effect with the sslmode that PACELINE_POSTGRES names: leave it out, or say verify-full")


def readable(file: Path) -> Path:
    """The same, from wherever a process is started that is given it."""
    found = file.expanduser().absolute()
    try:
        with found.open("rb"):
            return found
    except OSError as failure:
        raise ValueError(f"{found} cannot be read: {failure.strerror}") from None


def check_authority(file: Path) -> None:
    """Certificates in PEM form."""
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"{file} holds no certificate in PEM form") from None


def check_own_certificate(certificate: Path, key: Path) -> None:
    """A certificate with its chain, and its key; a key behind a password is refused, since nobody is there to type it."""

    def nobody_types() -> str:
        raise ValueError(f"{key} is behind a password; only a key without one can be used")

    try:
        ssl.create_default_context().load_cert_chain(certificate, key, nobody_types)
    except ssl.SSLError:
        raise ValueError(f"{key} is not the key of the certificate {certificate}, or one of both is not in PEM form") from None
