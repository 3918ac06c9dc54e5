"""Who trains: each participant's physiology, from their profile where it is known and from the seed where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.directory import Participant

Column = NDArray[np.float64]
MARGIN_BPM = 6
POWER_ZONE_TOPS = (0.55, 0.75, 0.90, 1.05, 1.20, 1.50)
"""Shares of FTP that end power zones 1 to 6 (Coggan)."""


@dataclass(frozen=True)
class Athletes:
    """One row a participant; every column has the same length."""

    member_id: NDArray[np.int64]
    resting_bpm: Column
    reserve_bpm: Column
    fitness: Column
    """Factor on the effort that the class is asked for."""
    rise_s: Column
    fall_s: Column
    """Time constants of the heart's answer to more and to less work."""
    drift_per_h: Column
    ceiling_bpm: Column
    """An ordinary member trains below every limit that would raise an alert …"""
    floor_bpm: Column
    """… and above those that ask for more."""
    alarm_bpm: Column
    """The personal upper limit; infinite when there is none."""
    ftp_watts: Column
    power_low: Column
    power_high: Column
    top_speed_mps: Column
    pace_mps: Column
    """The speed of the personal pace target; not a number where there is none."""


def athletes_of(participants: Sequence[Participant], rng: np.random.Generator) -> Athletes:
    """The class as a table. The same participants and the same state of `rng` give the same people."""
    count = len(participants)
    maximum = np.array([p.max_heart_rate_bpm for p in participants], dtype=np.float64)
    usual_rest = np.clip(rng.normal(60, 6, count), 45, 78)
    resting = np.where(
        [p.resting_heart_rate_bpm is None for p in participants],
        usual_rest,
        [float(p.resting_heart_rate_bpm or 0) for p in participants],
    )
    usual_ftp = np.clip(rng.normal(200, 40, count), 110, 330)
    ftp = np.where([p.ftp_watts is None for p in participants], usual_ftp, [float(p.ftp_watts or 0) for p in participants])
    low, high = zip(*(_power_bounds(p) for p in participants), strict=True)
    return Athletes(
        member_id=np.array([p.member_id for p in participants], dtype=np.int64),
        resting_bpm=resting,
        reserve_bpm=np.maximum(40, maximum - resting),
        fitness=np.clip(rng.normal(1, 0.06, count), 0.85, 1.12),
        rise_s=rng.uniform(22, 38, count),
        fall_s=rng.uniform(30, 55, count),
        drift_per_h=rng.uniform(0.02, 0.06, count),
        ceiling_bpm=np.array([_ceiling(p) for p in participants]),
        floor_bpm=np.array([_floor(p) for p in participants]),
        alarm_bpm=np.array([float(p.limits.heart_rate_high_bpm or np.inf) for p in participants]),
        ftp_watts=ftp,
        power_low=np.array(low),
        power_high=np.array(high),
        top_speed_mps=np.clip(rng.normal(3.9, 0.5, count), 2.8, 5.2),
        pace_mps=np.array(
            [1000 / p.limits.pace_target_s_per_km if p.limits.pace_target_s_per_km else np.nan for p in participants]
        ),
    )


def _ceiling(person: Participant) -> float:
    bounds = [0.94 * person.max_heart_rate_bpm]
    limits = person.limits
    if limits.heart_rate_high_bpm is not None:
        bounds.append(limits.heart_rate_high_bpm - MARGIN_BPM)
    if limits.heart_rate_zone_high is not None and limits.heart_rate_zone_high < 5:
        bounds.append(person.heart_rate_zone_floors_bpm[limits.heart_rate_zone_high] - MARGIN_BPM)
    return float(min(bounds))


def _floor(person: Participant) -> float:
    bounds = [40.0]
    limits = person.limits
    if limits.heart_rate_low_bpm is not None:
        bounds.append(limits.heart_rate_low_bpm + MARGIN_BPM)
    if limits.heart_rate_zone_low is not None:
        bounds.append(person.heart_rate_zone_floors_bpm[limits.heart_rate_zone_low - 1] + MARGIN_BPM)
    return float(max(bounds))


def _power_bounds(person: Participant) -> tuple[float, float]:
    """Shares of FTP between which the member's power limits raise nothing."""
    low, high = person.limits.power_zone_low, person.limits.power_zone_high
    bottom = POWER_ZONE_TOPS[low - 2] + 0.03 if low is not None and low >= 2 else 0.0
    top = POWER_ZONE_TOPS[high - 1] - 0.03 if high is not None and high <= 6 else 2.0
    return bottom, max(top, bottom + 0.02)
