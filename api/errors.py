"""Everything that can go wrong, as RFC 9457 problems; `type` is a short fixed name that programs may switch on."""

from typing import Any


class Problem(Exception):
    """An answer other than success. Subclasses fix the status; `kind` becomes the problem's `type`."""

    status = 500
    kind = "internal"
    title = "Something went wrong here"

    def __init__(self, detail: str, *, kind: str = "", retry_after_s: int | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kind = kind or self.kind
        self.retry_after_s = retry_after_s
        self.more = more

    def body(self) -> dict[str, Any]:
        """The problem document."""
        return {"type": self.kind, "title": self.title, "status": self.status, "detail": self.detail, **self.more}


class Malformed(Problem):
    """The request cannot be understood."""

    status = 400
    kind = "malformed"
    title = "The request cannot be understood"


class Unauthorized(Problem):
    """Sign in, or renew the access token."""

    status = 401
    kind = "unauthorized"
    title = "Sign in first"


class Forbidden(Problem):
    """Known, but not allowed."""

    status = 403
    kind = "forbidden"
    title = "You may not do this"


class NotFound(Problem):
    """No such thing, or none that the asker may see."""

    status = 404
    kind = "not_found"
    title = "There is no such thing"


class Conflict(Problem):
    """The present state does not allow it."""

    status = 409
    kind = "conflict"
    title = "This does not fit the present state"


class TooLarge(Problem):
    """The body is larger than any request of this API."""

    status = 413
    kind = "too_large"
    title = "The body is too large"


class Unprocessable(Problem):
    """Understood, but a value is wrong."""

    status = 422
    kind = "invalid"
    title = "A value is not usable"


class Locked(Problem):
    """Too many failed sign-ins."""

    status = 423
    kind = "locked"
    title = "Sign-in is locked for a while"


class TooMany(Problem):
    """Slow down."""

    status = 429
    kind = "too_many_requests"
    title = "Too many requests"


class TryLater(Problem):
    """A server behind this one does not answer."""

    status = 503
    kind = "unavailable"
    title = "A part of the system does not answer"
