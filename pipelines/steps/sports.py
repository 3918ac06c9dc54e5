"""Which family a sport belongs to, however its device or file spells it: bounds of plausible values differ by family."""

from typing import Final, Literal

Family = Literal["cycling", "running", "swimming", "other"]

_MARKS: Final[tuple[tuple[Family, tuple[str, ...]], ...]] = (
    ("swimming", ("swim",)),
    ("running", ("run", "jog", "treadmill")),
    ("cycling", ("cycl", "bik", "ride", "spin")),
)
"""FIT, TCX, GPX and streams say `cycling`, `Biking`, `VirtualRide`, `indoor_cycling`, `trail_running`, `lap_swimming` …"""

_STRAVA_NUMBERS: Final[dict[str, Family]] = {"1": "cycling", "9": "running", "16": "swimming", "17": "cycling"}
"""Strava's GPX export names the kind of activity by a number."""


def family_of(sport: str, sub_sport: str = "") -> Family:
    """The family of a sport; what is neither cycling, running nor swimming is `other`."""
    if sport in _STRAVA_NUMBERS:
        return _STRAVA_NUMBERS[sport]
    for text in (sport.lower(), sub_sport.lower()):
        for family, marks in _MARKS:
            if any(mark in text for mark in marks):
                return family
    return "other"
