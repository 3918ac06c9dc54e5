"""What is told: a sentence for what is wrong, one for what to do, and how bad it is."""

from collections.abc import Sequence
from typing import Literal

import msgspec

Level = Literal["warning", "broken"]
EXIT_CODES = {"well": 0, "warnings": 1, "broken": 2}


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be. `broken`: somebody's work stands still, or soon will."""

    level: Level
    about: str
    problem: str
    remedy: str


def verdict(findings: Sequence[Finding]) -> str:
    """well, warnings or broken."""
    levels = {finding.level for finding in findings}
    return "broken" if "broken" in levels else "warnings" if levels else "well"
