"""How hard a class trains at each moment: the planned effort, 0 to 1 of the heart-rate reserve."""

from collections.abc import Sequence
from typing import Literal

Kind = Literal["cycling", "running", "other"]
SPINNING = ("spin", "cycl", "bike", "ride")
RUNNING = ("run", "treadmill")
WORK_S, REST_S = 120, 90
DEFAULT = (("warm-up", 0.15), ("intervals", 0.70), ("cool-down", 0.15))


def kind_of(class_type: str) -> Kind:
    """What the members' devices measure beside heart rate."""
    text = class_type.lower()
    if any(word in text for word in SPINNING):
        return "cycling"
    return "running" if any(word in text for word in RUNNING) else "other"


class EffortPlan:
    """The planned segments, each with the effort that its name suggests; past the end the cool-down goes on."""

    def __init__(self, segments: Sequence[tuple[str, int]], planned_duration_s: int) -> None:
        whole = planned_duration_s or 3600
        self._segments = list(segments) or [(name, round(share * whole)) for name, share in DEFAULT]

    def effort_at(self, second: int) -> float:
        """The effort asked for at this second of the class."""
        begun = 0
        for name, duration_s in self._segments:
            if second < begun + duration_s:
                return _effort(name.lower(), second - begun, duration_s)
            begun += duration_s
        return 0.42


def _effort(name: str, into_s: int, duration_s: int) -> float:
    share = into_s / max(1, duration_s)
    if "warm" in name:
        return 0.45 + 0.17 * share
    if "cool" in name or "stretch" in name:
        return 0.58 - 0.16 * share
    if "recover" in name or "rest" in name:
        return 0.5
    if "interval" in name or "main" in name or "sprint" in name or "climb" in name:
        return 0.74 if into_s % (WORK_S + REST_S) < WORK_S else 0.56
    return 0.68
