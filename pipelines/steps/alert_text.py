"""What alerts say: one sentence with a name and numbers, for a trainer in the middle of a class."""

from typing import Final

from schemas.alerts import AlertRule
from schemas.directory import Participant

_THEIR: Final = {"female": "her", "male": "his", None: "their"}
_MEMBER: Final[dict[AlertRule, str]] = {
    "heart_rate_high": "{whose} heart rate is {value:.0f}, above {their} limit of {bound:.0f}, for {held_s} s",
    "heart_rate_low": "{whose} heart rate is {value:.0f}, below {their} limit of {bound:.0f}, for {held_s} s",
    "heart_rate_above_zone": "{whose} heart rate is {value:.0f}, above {their} target zone (below {bound:.0f}), for {held_s} s",
    "heart_rate_below_zone": "{whose} heart rate is {value:.0f}, below {their} target zone (from {bound:.0f}), for {held_s} s",
    "power_above_zone": "{whose} power is {value:.0f} W, above {their} target zone (below {bound:.0f} W), for {held_s} s",
    "power_below_zone": "{whose} power is {value:.0f} W, below {their} target zone (from {bound:.0f} W), for {held_s} s",
    "pace_off_target": "{whose} pace is {pace} /km, {way} than {their} target of {target} /km, for {held_s} s",
    "fatigue": "{who} may be tiring: {their} output per heartbeat is {value:.0%} below that of minutes 5 to 15",
    "lost_signal": "No signal from {who} for {value:.0f} s",
}
_CLASS: Final[dict[AlertRule, str]] = {
    "class_intensity_low": "Class intensity is {value:.1f} of 10, lower than the expected {bound:.1f}",
    "class_intensity_high": "Class intensity is {value:.1f} of 10, above {bound:.1f}",
    "low_attendance": "Low attendance: {value:.0%} of the roster, below {bound:.0%}",
    "lost_signal": "No signal from anybody in the class for {value:.0f} s",
}


def member_message(rule: AlertRule, member: Participant, value: float, bound: float, held_s: int) -> str:
    """The sentence about a member; the value is what the rule saw, the bound what it crossed."""
    return _MEMBER[rule].format(
        who=member.name,
        whose=possessive(member.name),
        their=_THEIR[member.sex],
        value=value,
        bound=bound,
        held_s=held_s,
        pace=minutes(value),
        target=minutes(bound),
        way="slower" if value > bound else "faster",
    )


def class_message(rule: AlertRule, value: float, bound: float) -> str:
    """The sentence about the whole class."""
    return _CLASS[rule].format(value=value, bound=bound)


def possessive(name: str) -> str:
    """Anna's, James'."""
    return f"{name}'" if name.endswith(("s", "x", "z")) else f"{name}'s"


def minutes(seconds: float) -> str:
    """Minutes and seconds of a pace."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
