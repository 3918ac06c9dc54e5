"""Passwords: argon2id digests, verified in constant work whether or not the user exists."""

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 200
AT_ONCE = 2
"""Each verification takes 64 MiB; more at once would let strangers fill the memory."""


class Passwords:
    """Threads share one. The default hasher has argon2-cffi's parameters (RFC 9106, low memory)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("the digest that unknown users are compared with")

    def digest(self, password: str) -> str:
        """The text to keep instead of the password."""
        with self._turns:
            return self._hasher.hash(password)

    def fits(self, password: str, digest: str | None) -> bool:
        """Whether the password made this digest; without a digest the same work is done in vain."""
        with self._turns:
            try:
                return self._hasher.verify(digest or self._nobody, password) and digest is not None
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, digest: str) -> bool:
        """Whether it was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(digest)
