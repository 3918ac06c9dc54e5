"""A metric: its name, unit, definition, and how it comes out of one activity of one athlete."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from analysis.activity import Activity
from analysis.athlete import Athlete
from analysis.class_totals import class_totals
from ingest.parsers.recording import Recording
from pipelines.steps.results import MemberSummary

Value = TypeVar("Value")


class Missing(Exception):
    """The metric stays absent; the message says what is missing."""


class Subject:
    """One activity of one athlete, with what several metrics share."""

    def __init__(self, recording: Recording, athlete: Athlete) -> None:
        self.recording = recording
        self.athlete = athlete
        self.activity = Activity(recording)

    @cached_property
    def totals(self) -> MemberSummary:
        """What a live class would have written of this athlete."""
        return class_totals(self.recording, self.athlete)


@dataclass(frozen=True)
class Metric:
    """`find` gives the value (a number, text, list or object for JSON) or raises Missing."""

    name: str
    unit: str
    definition: str
    """One line: what it is and whose formula."""
    find: Callable[[Subject], Any]


def known(value: Value | None, missing: str) -> Value:
    """The value, or Missing with the reason."""
    if value is None:
        raise Missing(missing)
    return value
