"""Members' alert limits as columns, and what they mean for one observation."""

from collections.abc import Iterator

import numpy as np

from pipelines.steps.alert_track import Sighting, Verdict
from pipelines.steps.alerts import AlertConfig
from pipelines.steps.columns import Array, Table, column
from pipelines.steps.live_columns import MOVING_MPS
from pipelines.steps.zones import power_floors
from schemas.alerts import AlertRule
from schemas.directory import Participant

PEDALLING_WATTS = 20
"""Less is not pedalling: who stops to drink is not told to add resistance, as who stands has no pace."""
HAIR = 1 + 1e-9
HEART_RULES: tuple[AlertRule, ...] = ("heart_rate_high", "heart_rate_low", "heart_rate_above_zone", "heart_rate_below_zone")
POWER_RULES: tuple[AlertRule, ...] = ("power_above_zone", "power_below_zone")
PACE_RULES: tuple[AlertRule, ...] = ("pace_off_target",)
OUTPUT_RULES: tuple[AlertRule, ...] = (*POWER_RULES, *PACE_RULES)
Seen = tuple[AlertRule, Sighting]


class LimitColumns(Table):
    """Made from the directory, never stored: which rows need a look at all."""

    above: Array = column(np.int16, fill=32_767)
    """A heart rate at or above may raise something."""
    below: Array = column(np.int16, fill=-1)
    """A heart rate below may raise something."""
    output: Array = column(np.bool_)
    """Power or pace is watched."""
    busy: Array = column(np.bool_)
    """A heart-rate rule has something pending or active."""
    output_busy: Array = column(np.bool_)
    """A rule of power or pace has."""
    watts_below: Array = column(np.float64, fill=-np.inf)
    watts_above: Array = column(np.float64, fill=np.inf)
    mps_below: Array = column(np.float64, fill=-np.inf)
    mps_above: Array = column(np.float64, fill=np.inf)
    """Power below or from a bound, speed below or above one, may raise something; a hair inside, so as to overlook nothing."""

    def describe(self, row: int, member: Participant) -> None:
        """Fill one row."""
        bounds = heart_bounds(member)
        self.above[row] = min((bounds[r] for r in ("heart_rate_high", "heart_rate_above_zone") if r in bounds), default=32_767)
        self.below[row] = max((bounds[r] for r in ("heart_rate_low", "heart_rate_below_zone") if r in bounds), default=-1)
        watts, target, share = power_bounds(member), member.limits.pace_target_s_per_km, member.limits.pace_tolerance_share
        self.output[row] = bool(watts) or target is not None
        self.watts_below[row] = watts.get("power_below_zone", -np.inf)
        self.watts_above[row] = watts.get("power_above_zone", np.inf)
        self.mps_below[row] = -np.inf if target is None else 1000.0 / (target * (1 + share)) * HAIR
        self.mps_above[row] = np.inf if target is None or share >= 1 else 1000.0 / (target * (1 - share)) / HAIR

    def power_calls(self, row: int, watts: float) -> bool:
        """Whether this power needs a look."""
        return bool(self.output_busy[row] or watts < self.watts_below[row] or watts >= self.watts_above[row])

    def speed_calls(self, row: int, mps: float) -> bool:
        """Whether this speed needs a look."""
        return bool(self.output_busy[row] or mps < self.mps_below[row] or mps > self.mps_above[row])


def heart_bounds(member: Participant) -> dict[AlertRule, int]:
    """The bounds (bpm) that apply; from an upper bound on, below a lower bound, is outside."""
    limits, floors = member.limits, member.heart_rate_zone_floors_bpm
    bounds: dict[AlertRule, int] = {}
    if limits.heart_rate_high_bpm is not None:
        bounds["heart_rate_high"] = limits.heart_rate_high_bpm + 1
    if limits.heart_rate_low_bpm is not None:
        bounds["heart_rate_low"] = limits.heart_rate_low_bpm
    if limits.heart_rate_zone_high is not None and limits.heart_rate_zone_high < len(floors):
        bounds["heart_rate_above_zone"] = floors[limits.heart_rate_zone_high]
    if limits.heart_rate_zone_low is not None:
        bounds["heart_rate_below_zone"] = floors[limits.heart_rate_zone_low - 1]
    return bounds


def power_bounds(member: Participant) -> dict[AlertRule, float]:
    """The bounds (W) that apply to the 10 s mean."""
    limits, bounds = member.limits, dict[AlertRule, float]()
    if member.ftp_watts is None:
        return bounds
    floors = power_floors(member.ftp_watts).tolist()
    if limits.power_zone_high is not None and limits.power_zone_high < len(floors):
        bounds["power_above_zone"] = floors[limits.power_zone_high]
    if limits.power_zone_low is not None and limits.power_zone_low > 1:
        bounds["power_below_zone"] = floors[limits.power_zone_low - 1]
    return bounds


def judge_heart_rate(
    member: Participant, bpm: int, config: AlertConfig, *, main_part: bool
) -> Iterator[tuple[AlertRule, Sighting]]:
    """What each heart-rate rule that applies says of one trusted value; nobody is below their zone outside the main part."""
    for rule, bound in heart_bounds(member).items():
        if rule == "heart_rate_below_zone" and not main_part:
            continue
        zoned = rule in {"heart_rate_above_zone", "heart_rate_below_zone"}
        margin = config.zone_hysteresis_bpm if zoned else config.heart_rate_hysteresis_bpm
        upper = rule in {"heart_rate_high", "heart_rate_above_zone"}
        verdict = _above(bpm, bound, margin) if upper else _below(bpm, bound, margin)
        shown = bound - 1 if rule == "heart_rate_high" else bound
        yield rule, Sighting(verdict, bpm, shown)


def judge_power(member: Participant, watts: float, config: AlertConfig, *, main_part: bool) -> Iterator[Seen]:
    """What each power rule that applies says of a 10 s mean; nobody is below their zone outside the main part."""
    for rule, bound in power_bounds(member).items():
        margin = config.power_hysteresis_share * bound
        if rule == "power_above_zone":
            yield rule, Sighting(_above(watts, bound, margin), watts, bound)
        elif main_part:
            yield rule, Sighting(_below(watts, bound, margin), watts, bound)


def judge_pace(member: Participant, speed_mps: float, config: AlertConfig, *, main_part: bool) -> Iterator[Seen]:
    """What the pace rule says of a 10 s mean of speed; who stands has no pace, and nobody is slow outside the main part."""
    target = member.limits.pace_target_s_per_km
    if target is None or speed_mps < MOVING_MPS:
        return
    pace = 1000.0 / speed_mps
    off, tolerance = abs(pace - target), member.limits.pace_tolerance_share * target
    inside = off <= config.pace_inner_share * tolerance or (pace > target and not main_part)
    near = Verdict.INSIDE if inside else Verdict.BETWEEN
    yield "pace_off_target", Sighting(Verdict.OUTSIDE if off > tolerance and not inside else near, pace, target)


def _above(value: float, bound: float, margin: float) -> Verdict:
    if value >= bound:
        return Verdict.OUTSIDE
    return Verdict.INSIDE if value < bound - margin else Verdict.BETWEEN


def _below(value: float, bound: float, margin: float) -> Verdict:
    if value < bound:
        return Verdict.OUTSIDE
    return Verdict.INSIDE if value >= bound + margin else Verdict.BETWEEN
