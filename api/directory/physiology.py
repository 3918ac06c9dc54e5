"""From a member's profile to the participant that a session sees: age of the day, maximum heart rate, zones."""

from datetime import UTC, date, datetime
from math import ceil

import msgspec

from api.directory.models import MemberProfile, User
from pipelines.steps.maximum import estimated_max_heart_rate_bpm
from pipelines.steps.zones import floors_by_maximum, floors_by_reserve, floors_by_threshold
from schemas.directory import Limits, Participant

DEFAULT_MAX_HEART_RATE_BPM = 190
AGE_MIN, AGE_MAX = 5, 120
"""What the directory can carry (schemas.directory.Participant)."""


def age_years(birth_date: date | None, now_ms: int) -> int | None:
    """Whole years on the day of `now_ms` (UTC)."""
    if birth_date is None:
        return None
    today = datetime.fromtimestamp(now_ms // 1000, UTC).date()
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)


def max_heart_rate_bpm(profile: MemberProfile, now_ms: int) -> int:
    """Measured before estimated from age before the usual 190."""
    if profile.max_heart_rate_bpm:
        return profile.max_heart_rate_bpm
    age = age_years(profile.birth_date, now_ms)
    return DEFAULT_MAX_HEART_RATE_BPM if age is None else round(estimated_max_heart_rate_bpm(age))


def zone_floors_bpm(profile: MemberProfile, now_ms: int) -> tuple[int, ...]:
    """Lower bounds of zones 1 to 5 by the member's scheme; a scheme whose base is unknown falls back to % of maximum.

    Whole beats: the least value that reaches the bound.
    """
    highest, resting, threshold = (
        max_heart_rate_bpm(profile, now_ms),
        profile.resting_heart_rate_bpm,
        profile.threshold_heart_rate_bpm,
    )
    if profile.zone_scheme == "own" and profile.own_zone_floors_bpm:
        return tuple(profile.own_zone_floors_bpm)
    if profile.zone_scheme == "reserve" and resting and resting < highest:
        floors = floors_by_reserve(highest, resting)
    elif profile.zone_scheme == "threshold" and threshold:
        floors = floors_by_threshold(threshold)
    else:
        floors = floors_by_maximum(highest)
    return tuple(ceil(round(float(floor), 6)) for floor in floors)


def participant(user: User, profile: MemberProfile, now_ms: int) -> Participant:
    """The member as a session that starts now will keep them."""
    return Participant(
        member_id=user.id,
        name=user.name,
        sex=profile.sex,  # type: ignore[arg-type] # a check constraint holds it to the two words
        age_years=age_years(profile.birth_date, now_ms),
        mass_kg=profile.mass_kg,
        max_heart_rate_bpm=max_heart_rate_bpm(profile, now_ms),
        max_heart_rate_measured=profile.max_heart_rate_bpm is not None,
        resting_heart_rate_bpm=profile.resting_heart_rate_bpm,
        threshold_heart_rate_bpm=profile.threshold_heart_rate_bpm,
        ftp_watts=profile.ftp_watts,
        heart_rate_zone_floors_bpm=zone_floors_bpm(profile, now_ms),
        limits=msgspec.convert(profile.limits, Limits),
    )
