"""Failures as ClickHouse numbers them, and the HTTP status each is answered with."""

import re

ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
NOT_ENOUGH_SPACE = 243
NOT_IMPLEMENTED = 48
QUERY_IS_TOO_LARGE = 309
READONLY = 164
SESSION_IS_LOCKED = 373
SESSION_NOT_FOUND = 372
SETTING_CONSTRAINT_VIOLATION = 452
SOCKET_TIMEOUT = 209
SYNTAX_ERROR = 62
TOO_MANY_SIMULTANEOUS_QUERIES = 202
UNKNOWN_COMPRESSION_METHOD = 89
UNKNOWN_EXCEPTION = 1002
CANNOT_DECOMPRESS = 271
INVALID_SESSION_TIMEOUT = 374

NAMES = {
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    NOT_ENOUGH_SPACE: "NOT_ENOUGH_SPACE",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    READONLY: "READONLY",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SETTING_CONSTRAINT_VIOLATION: "SETTING_CONSTRAINT_VIOLATION",
    SOCKET_TIMEOUT: "SOCKET_TIMEOUT",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    INVALID_SESSION_TIMEOUT: "INVALID_SESSION_TIMEOUT",
}

# As ClickHouse maps them; every other code is a 500.
_BAD_REQUEST = {6, 7, 26, 27, 36, 41, 42, 43, 53, 62, 69, 72, 89, 117, 130, 271, 374, 441, 456, 457}
_FORBIDDEN = {192, 193, ACCESS_DENIED, AUTHENTICATION_FAILED}
_NOT_FOUND = {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336, SESSION_NOT_FOUND, 511}
_OTHER = {NOT_IMPLEMENTED: 501, 159: 408, TOO_MANY_SIMULTANEOUS_QUERIES: 503, QUERY_IS_TOO_LARGE: 413}

_CODE = re.compile(r"Code: (\d+)\. ")
_WRAPPING = re.compile(r"^(?:Streaming (?:query|insert \w+) failed: )+")


class QueryFailed(Exception):
    """A request that ends with a ClickHouse exception: `code` is its number, `message` its text for the client."""

    def __init__(self, code: int, problem: str) -> None:
        self.code = code
        self.message = f"Code: {code}. DB::Exception: {problem} ({NAMES.get(code, 'UNKNOWN_EXCEPTION')})"
        super().__init__(self.message)

    @property
    def status(self) -> int:
        if self.code in _BAD_REQUEST:
            return 400
        if self.code in _FORBIDDEN:
            return 403
        if self.code in _NOT_FOUND:
            return 404
        return _OTHER.get(self.code, 500)


def from_engine(failure: Exception) -> QueryFailed:
    """What the engine raised, with its own code and text."""
    text = _WRAPPING.sub("", str(failure)).strip()
    found = _CODE.search(text)
    failed = QueryFailed(int(found[1]) if found else UNKNOWN_EXCEPTION, text)
    if found:
        failed.message = text[found.start() :]
    return failed
