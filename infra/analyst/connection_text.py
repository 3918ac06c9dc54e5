"""How to reach the warehouse as an analyst, in words and for the usual programs. The password only when asked for."""

from infra.settings import Settings
from infra.warehouse import connection

HIDDEN = "…"
EXAMPLE = "SELECT count() FROM v_alerts"


def connection_text(settings: Settings, *, with_password: bool) -> str:
    """Lines for a terminal, without markup."""
    given = connection(settings, "analyst")
    password = given["password"] if with_password else HIDDEN
    origin = f"{given['interface']}://{given['host']}:{given['port']}"
    authority = f", ca_cert={given['ca_cert']!r}" if "ca_cert" in given else ""
    python = (
        f"clickhouse_connect.get_client(host={given['host']!r}, port={given['port']}, secure={given['secure']}, "
        f"database={given['database']!r}, username={given['username']!r}, password={password!r}{authority})"
    )
    curl_authority = f"--cacert {given['ca_cert']} " if "ca_cert" in given else ""
    curl = (
        f"curl {curl_authority}-u {given['username']}{f':{password}' if with_password else ''} "
        f"'{origin}/?database={given['database']}' --data-binary {EXAMPLE!r}"
    )
    return "\n".join(
        [
            f"warehouse  {origin}/{given['database']}  (ClickHouse over HTTP)",
            f"user       {given['username']}, who only reads",
            f"password   {password if with_password else '--show-password shows it'}",
            f"Python     {python}",
            f"curl       {curl}",
        ]
    )
