"""Who may connect and what each may do. The engine knows one user only, so names and rights are checked here."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from infra.embedded.warehouse.errors import AUTHENTICATION_FAILED, QueryFailed
from infra.settings import Settings

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class User:
    """`limits` are settings whose value a request may lower, never raise or lift."""

    name: str
    role: Literal["writer", "reader", "analyst"]
    limits: Mapping[str, int]

    @property
    def writes(self) -> bool:
        return self.role == "writer"


class Users:
    """The three users of the settings."""

    def __init__(self, settings: Settings) -> None:
        memory = settings.clickhouse_memory_mb * MEGABYTE
        writer = User(settings.clickhouse_writer_user, "writer", {"max_execution_time": 600})
        reader = User(settings.clickhouse_reader_user, "reader", {"max_execution_time": 60, "max_memory_usage": memory // 2})
        analyst = User(
            settings.clickhouse_analyst_user,
            "analyst",
            {
                "max_execution_time": 30,
                "max_memory_usage": memory // 4,
                "max_result_rows": 1_000_000,
                "max_result_bytes": 256 * MEGABYTE,
            },
        )
        self._known = (
            (writer, settings.clickhouse_writer_password.get_secret_value().encode()),
            (reader, settings.clickhouse_reader_password.get_secret_value().encode()),
            (analyst, settings.clickhouse_analyst_password.get_secret_value().encode()),
        )

    def authenticate(self, headers: Mapping[str, str], arguments: Mapping[str, bytes]) -> User:
        """The user of a request, by basic authentication, ClickHouse's headers or arguments.

        Raises QueryFailed that does not tell a wrong name from a wrong password. Every comparison takes the same time.
        """
        name, password = _credentials(headers, arguments)
        found: User | None = None
        for user, secret in self._known:
            same_name = hmac.compare_digest(user.name.encode(), name.encode())
            same_password = hmac.compare_digest(secret, password.encode())
            if same_name and same_password and secret:
                found = user
        if found is None:
            shown = name[:64] or "default"
            raise QueryFailed(
                AUTHENTICATION_FAILED,
                f"{shown}: Authentication failed: password is incorrect, or there is no user with such name.",
            )
        return found


def _credentials(headers: Mapping[str, str], arguments: Mapping[str, bytes]) -> tuple[str, str]:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", ""), headers.get("x-clickhouse-key", "")
    name, password = (arguments.get(key, b"").decode(errors="replace") for key in ("user", "password"))
    return name, password
