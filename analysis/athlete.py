"""The person behind a recording, as far as the command line tells, and how that becomes a participant of a class."""

from dataclasses import dataclass
from itertools import pairwise

from infra.errors import PacelineError
from pipelines.steps.max_heart_rate import estimated_max_bpm
from pipelines.steps.zones import floors_by_maximum
from schemas.directory import Limits, Participant, Sex

MEMBER_ID = 1
ZONES = 5
ZONES_MOST = 12
BOUND_LEAST, BOUND_MOST = 30, 240
_UNKNOWN_MAX_BPM = 190
"""The directory's own default; what rests on it is not shown when nobody gave a maximum."""


@dataclass(frozen=True, kw_only=True)
class Athlete:
    """What is known; none is unknown, and what needs it stays absent. Heart rates in bpm, powers in W, W′ in J."""

    sex: Sex | None = None
    age_years: int | None = None
    mass_kg: float | None = None
    max_bpm: int | None = None
    resting_bpm: int | None = None
    threshold_bpm: int | None = None
    ftp_watts: int | None = None
    critical_power_watts: float | None = None
    w_prime_joules: float | None = None
    zone_bounds_bpm: tuple[int, ...] = ()
    """Own bounds of the heart-rate zones, ascending; empty: 50, 60, 70, 80, 90 % of maximum."""

    @property
    def maximum_bpm(self) -> float | None:
        """The measured maximum, else the one estimated from age."""
        if self.max_bpm is not None:
            return self.max_bpm
        return None if self.age_years is None else float(estimated_max_bpm(self.age_years))

    @property
    def bounds_bpm(self) -> tuple[int, ...]:
        """The bounds of the heart-rate zones that apply; empty when neither bounds nor a maximum are known."""
        return self.zone_bounds_bpm or self.class_floors_bpm

    @property
    def class_floors_bpm(self) -> tuple[int, ...]:
        """Floors of the five zones that a class has: own bounds when they are five, else by maximum; empty when unknown."""
        if len(self.zone_bounds_bpm) == ZONES:
            return self.zone_bounds_bpm
        return () if self.maximum_bpm is None else tuple(round(floor) for floor in floors_by_maximum(self.maximum_bpm).tolist())


def check(athlete: Athlete) -> Athlete:
    """The athlete, if what is told of them can be true of one person.

    Raises PacelineError that names the options.
    """
    _check_zones(athlete.zone_bounds_bpm)
    maximum, resting, threshold = athlete.maximum_bpm, athlete.resting_bpm, athlete.threshold_bpm
    if maximum is not None and resting is not None and resting >= maximum:
        raise PacelineError(
            f"--resting-hr {resting} is not below the maximum heart rate {maximum:g}", "Check --max-hr and --age."
        )
    if maximum is not None and threshold is not None and threshold >= maximum:
        raise PacelineError(
            f"--threshold-hr {threshold} is not below the maximum heart rate {maximum:g}", "Check --max-hr and --age."
        )
    if resting is not None and threshold is not None and threshold <= resting:
        raise PacelineError(f"--threshold-hr {threshold} is not above --resting-hr {resting}", "Check both.")
    if (athlete.critical_power_watts is None) != (athlete.w_prime_joules is None):
        raise PacelineError("--cp and --w-prime belong together", "Give both, or neither.")
    return athlete


def zone_bounds(text: str) -> tuple[int, ...]:
    """The bounds in a text such as `106,130,145`.

    Raises PacelineError.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise PacelineError(f"--hr-zones {text!r} is not a list of whole numbers", "Write lower bounds in bpm: 106,130,145.")
    return tuple(int(part) for part in parts)


def _check_zones(bounds: tuple[int, ...]) -> None:
    if len(bounds) > ZONES_MOST:
        raise PacelineError(f"--hr-zones has {len(bounds)} bounds", f"At most {ZONES_MOST}.")
    outside = [bound for bound in bounds if not BOUND_LEAST <= bound <= BOUND_MOST]
    if outside:
        raise PacelineError(
            f"--hr-zones: {outside[0]} is no heart rate", f"Bounds lie between {BOUND_LEAST} and {BOUND_MOST} bpm."
        )
    if any(after <= before for before, after in pairwise(bounds)):
        raise PacelineError(f"--hr-zones {','.join(map(str, bounds))} does not ascend", "Give each bound once, lowest first.")


def participant(athlete: Athlete) -> Participant:
    """The athlete as a class would see them; alerts are switched off."""
    unknown = tuple(round(floor) for floor in floors_by_maximum(_UNKNOWN_MAX_BPM).tolist())
    return Participant(
        member_id=MEMBER_ID,
        name="athlete",
        sex=athlete.sex,
        age_years=athlete.age_years,
        mass_kg=athlete.mass_kg,
        max_heart_rate_bpm=round(athlete.maximum_bpm or _UNKNOWN_MAX_BPM),
        max_heart_rate_measured=athlete.max_bpm is not None,
        resting_heart_rate_bpm=athlete.resting_bpm,
        threshold_heart_rate_bpm=athlete.threshold_bpm,
        ftp_watts=athlete.ftp_watts,
        heart_rate_zone_floors_bpm=athlete.class_floors_bpm or unknown,
        limits=Limits(heart_rate_high_bpm=None, fatigue_drop_share=None),
    )
