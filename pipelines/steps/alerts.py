"""The alert rules as data: how bad, how long before raised, when over, and what the trainer may do.

Defaults are chosen so that an ordinary class stays quiet: what may harm comes after 10 s, what concerns training after 30 s or
more, what concerns the whole class after a minute of one-minute means.

Sensors fail for seconds all the time, and a rule that began to count anew at every such second would miss what lasts for a
minute (measured by `make accuracy`: `heart_rate_below_zone` told 71 % of what it should). So a rule that is about to raise an
alert passes over `stray_s` seconds of contrary values, which is what an outlier takes, and over `gap_s` without a value, which
is what a dropout takes. In return it must have seen what it tells for `SEEN_SHARE` of the time.
"""

from dataclasses import dataclass, field
from typing import Final

from schemas.alerts import AlertRule
from schemas.directory import Severity

SEEN_SHARE: Final = 0.6
"""Of the time for which a rule must hold, it must have been seen to hold for so much."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. Times are event time."""

    code: str
    """Its name within alert ids, three letters so that an id keeps within 64 characters."""
    metric: str
    severity: Severity
    hold_s: int
    """It must hold so long before an alert is raised: one wild value never does."""
    clear_s: int
    """Its opposite must hold so long before the alert is over."""
    cooldown_s: int = 60
    """So long after an alert was over the rule raises no other."""
    gap_s: int = 10
    """Longer without a value, and what was observed before no longer counts."""
    stray_s: int = 3
    """Contrary values for longer, and what was observed before no longer counts."""
    every_s: int = 1
    """The rule is fed once in so many seconds."""
    action: str


RULES: Final[dict[AlertRule, Rule]] = {
    "heart_rate_high": Rule(
        code="hrh",
        metric="heart_rate_bpm",
        severity="critical",
        hold_s=10,
        clear_s=10,
        action="Ask them to ease off, and check how they feel.",
    ),
    "heart_rate_low": Rule(
        code="hrl",
        metric="heart_rate_bpm",
        severity="warning",
        hold_s=15,
        clear_s=10,
        action="Check the strap and how they feel.",
    ),
    "heart_rate_above_zone": Rule(
        code="hza",
        metric="heart_rate_bpm",
        severity="warning",
        hold_s=30,
        clear_s=10,
        gap_s=20,
        action="Let them reduce resistance or pace.",
    ),
    "heart_rate_below_zone": Rule(
        code="hzb",
        metric="heart_rate_bpm",
        severity="info",
        hold_s=60,
        clear_s=10,
        gap_s=20,
        action="Encourage them to add resistance or pace.",
    ),
    "pace_off_target": Rule(
        code="pac",
        metric="pace_s_per_km",
        severity="info",
        hold_s=30,
        clear_s=10,
        gap_s=20,
        action="Give them their target pace.",
    ),
    "power_above_zone": Rule(
        code="pwa",
        metric="power_watts",
        severity="warning",
        hold_s=30,
        clear_s=10,
        gap_s=20,
        action="Let them reduce resistance.",
    ),
    "power_below_zone": Rule(
        code="pwb", metric="power_watts", severity="info", hold_s=30, clear_s=10, gap_s=20, action="Let them add resistance."
    ),
    "fatigue": Rule(
        code="fat",
        metric="efficiency",
        severity="warning",
        hold_s=0,
        clear_s=0,
        cooldown_s=300,
        gap_s=150,
        stray_s=0,
        every_s=60,
        action="Offer them a break or an easier target.",
    ),
    "lost_signal": Rule(
        code="sig",
        metric="heart_rate_bpm",
        severity="warning",
        hold_s=0,
        clear_s=0,
        cooldown_s=30,
        action="Check strap and battery.",
    ),
    "class_intensity_low": Rule(
        code="cil",
        metric="avg_intensity_60s",
        severity="info",
        hold_s=60,
        clear_s=30,
        cooldown_s=300,
        gap_s=30,
        stray_s=0,
        every_s=10,
        action="Consider increasing the challenge.",
    ),
    "class_intensity_high": Rule(
        code="cih",
        metric="avg_intensity_60s",
        severity="warning",
        hold_s=60,
        clear_s=30,
        cooldown_s=300,
        gap_s=30,
        stray_s=0,
        every_s=10,
        action="Watch for signs of overexertion; plan a recovery.",
    ),
    "low_attendance": Rule(
        code="att",
        metric="attendance_rate",
        severity="info",
        hold_s=0,
        clear_s=0,
        action="Follow up with those who are absent.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class AlertConfig:
    """Everything that can be tuned about alerts, besides the members' and the class's own limits."""

    rules: dict[AlertRule, Rule] = field(default_factory=lambda: dict(RULES))
    late_ms: int = 60_000
    """A value that was older than this when it was received raises nothing."""
    ahead_ms: int = 5_000
    """A value further ahead of its receiver's clock says nothing about the class: its sender's clock is wrong."""
    repeat_every_ms: int = 60_000
    repeats_max: int = 5
    """An alert that nobody acknowledges is told again so often, then stays as it is."""
    heart_rate_hysteresis_bpm: int = 5
    zone_hysteresis_bpm: int = 3
    power_hysteresis_share: float = 0.03
    pace_inner_share: float = 0.7
    """Back on target is within this share of the tolerance."""
    intensity_hysteresis: float = 0.3
    warm_up_s: int = 300
    """Nobody is too slow while warming up."""
    cool_down_s: int = 300
    """Nor in the last minutes of the plan."""
    lost_after_ms: int = 20_000
    lost_needs_s: int = 30
    """A signal can be lost only by a member who had one for so long."""
    attendance_after_s: int = 600
    """Those who come later are absent."""
