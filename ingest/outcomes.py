"""What became of an event at the door."""

from dataclasses import dataclass
from typing import Literal

from infra.errors import PacelineError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The exit by which one event left: acknowledged by Kafka, known already, refused, or not yet confirmed.

    `unconfirmed` events are still on their way; the sender sends them again, and they will not count twice.
    """

    kind: Literal["accepted", "doubled", "rejected", "unconfirmed"]
    reason: str = ""
    """Machine-readable: lower_snake_case."""
    detail: str = ""
    """For the reader."""


ACCEPTED = Outcome("accepted")
DOUBLED = Outcome("doubled")
UNCONFIRMED = Outcome("unconfirmed")


def rejected(reason: str, detail: str) -> Outcome:
    """A refusal with its reason."""
    return Outcome("rejected", reason, detail)


class SlowDown(PacelineError):
    """Too much is waiting already: send the same again after `retry_after_s`. Nothing of it was taken."""

    def __init__(self, problem: str, retry_after_s: float) -> None:
        super().__init__(problem, f"Send the same again after {retry_after_s:g} s.")
        self.retry_after_s = retry_after_s
