"""What an HTTP request asks for: query, data, settings, parameters, session, format."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from infra.embedded.warehouse.errors import (
    NOT_IMPLEMENTED,
    SETTING_CONSTRAINT_VIOLATION,
    SYNTAX_ERROR,
    QueryFailed,
)
from infra.embedded.warehouse.sessions import DEFAULT_TIMEOUT_S
from infra.embedded.warehouse.users import User

BODY_LIMIT_BYTES = 512 * 1024 * 1024

_OURS = {
    "user",
    "password",
    "query",
    "database",
    "default_format",
    "query_id",
    "session_id",
    "session_timeout",
    "session_check",
    "wait_end_of_query",
    "quota_key",
    "buffer_size",
    "stacktrace",
    "client_protocol_version",
    "readonly",
    "enable_http_compression",
    "http_zlib_compression_level",
    "http_headers_progress_interval_ms",
    "send_progress_in_http_headers",
    "cancel_http_readonly_queries_on_client_close",
}
# They would make the engine read another language, or open what the configuration closes.
_LOCKED = {
    "dialect",
    "profile",
    "implicit_select",
    "allow_introspection_functions",
    "allow_settings_after_format_in_insert",
    "allow_experimental_eval_table_function",
    "format_schema",
    "format_schema_source",
}
_SETTING = re.compile(r"[a-z_][a-z0-9_]{0,127}", re.IGNORECASE)


@dataclass(frozen=True)
class Arguments:
    """The arguments of one request, sorted by what they are for."""

    query: bytes
    database: str
    default_format: str
    query_id: str
    session_id: str
    session_timeout_s: int
    session_must_exist: bool
    wait_for_end: bool
    compresses: bool
    readonly: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def read_pairs(query_string: bytes) -> dict[str, bytes]:
    """The pairs of an address's query part."""
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=1000)
        return {name.decode(): value for name, value in pairs}
    except ValueError as broken:
        raise QueryFailed(SYNTAX_ERROR, f"The address's arguments are not readable: {broken}.") from None


def read_arguments(pairs: Mapping[str, bytes], headers: Mapping[str, str]) -> Arguments:
    """Sort the arguments. Raises QueryFailed for those that this server does not know how to honour."""
    texts = {name: _text(name, value) for name, value in pairs.items() if name != "query"}
    for name in ("compress", "decompress"):
        if texts.pop(name, "0") not in ("0", ""):
            raise QueryFailed(NOT_IMPLEMENTED, f"{name}=1 is not supported: use Content-Encoding and Accept-Encoding.")
    if texts.pop("role", ""):
        raise QueryFailed(NOT_IMPLEMENTED, "There are no roles in this warehouse.")
    if headers.get("content-type", "").startswith("multipart/"):
        raise QueryFailed(NOT_IMPLEMENTED, "Forms and external data are not supported: send the query as the body.")
    return Arguments(
        query=pairs.get("query", b""),
        database=texts.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=texts.get("default_format") or headers.get("x-clickhouse-format", ""),
        query_id=texts.get("query_id", ""),
        session_id=texts.get("session_id", ""),
        session_timeout_s=_number(texts, "session_timeout", DEFAULT_TIMEOUT_S),
        session_must_exist=texts.get("session_check", "0") == "1",
        wait_for_end=texts.get("wait_end_of_query", "0") == "1",
        compresses=texts.get("enable_http_compression", "1") == "1",
        readonly=_number(texts, "readonly", 0),
        parameters={name.removeprefix("param_"): value for name, value in texts.items() if name.startswith("param_")},
        settings={name: value for name, value in texts.items() if name not in _OURS and not name.startswith("param_")},
    )


def check_settings(arguments: Arguments, user: User) -> None:
    """Raise QueryFailed when one of the settings is not this user's to change, or lies beyond the user's limit."""
    for name in (*arguments.settings, *arguments.parameters):
        if not _SETTING.fullmatch(name):
            raise QueryFailed(SYNTAX_ERROR, f"{name[:64]!r} is not the name of a setting or parameter.")
    for name, value in arguments.settings.items():
        if name.lower() in _LOCKED:
            raise QueryFailed(SETTING_CONSTRAINT_VIOLATION, f"Setting {name} should not be changed.")
        limit = user.limits.get(name)
        if limit is not None and not (value.isdecimal() and 0 < int(value) <= limit):
            raise QueryFailed(SETTING_CONSTRAINT_VIOLATION, f"Setting {name} shouldn't be greater than {limit} (or 0).")


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise QueryFailed(SYNTAX_ERROR, f"Argument {name} is not UTF-8.") from None


def _number(texts: Mapping[str, str], name: str, default: int) -> int:
    value = texts.get(name, "")
    if value and not value.isdecimal():
        raise QueryFailed(SYNTAX_ERROR, f"Argument {name} must be a whole number.")
    return int(value) if value else default
