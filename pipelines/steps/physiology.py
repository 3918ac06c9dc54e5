"""What a session knows of each member's body, laid out so that whole columns can look it up."""

from functools import lru_cache
from typing import Final

import numpy as np

from pipelines.steps.columns import Array, Table, column
from pipelines.steps.energy import kcal_per_minute
from pipelines.steps.trimp import banister_per_minute
from pipelines.steps.zones import power_floors, zone_of
from schemas.directory import Participant, Sex

UNIT: Final = 2**28
"""TRIMP and energy are summed as whole 2⁻²⁸ths: sums of integers are the same in any order, whatever the batches."""
BPM: Final = np.arange(256)
KEPT: Final = 4_096
"""Bodies alike whose columns are made once: many people share a maximum, zones, or age and weight."""


class Physiology(Table):
    """One row a member of a session; made from the session's record, never stored."""

    max_bpm: Array = column(np.float64)
    resting_bpm: Array = column(np.float64)
    """0: unknown. Then intensity is a share of maximum, and TRIMP is unknown."""
    ftp_watts: Array = column(np.float64, fill=np.nan)
    power_floors_watts: Array = column(np.float64, 7, fill=np.nan)
    zone_of_bpm: Array = column(np.uint8, 256)
    trimp_of_bpm: Array = column(np.int32, 256)
    """TRIMP of one second at each heart rate, in 2⁻²⁸ths."""
    kcal_of_bpm: Array = column(np.int32, 256)
    """Energy of one second at each heart rate, in 2⁻²⁸ths."""
    knows_trimp: Array = column(np.bool_)
    knows_energy: Array = column(np.bool_)

    def describe(self, row: int, member: Participant) -> None:
        """Fill one row. A resting heart rate at or above the maximum is taken as unknown."""
        resting = member.resting_heart_rate_bpm
        resting = resting if resting is not None and resting < member.max_heart_rate_bpm else None
        self.max_bpm[row] = member.max_heart_rate_bpm
        self.resting_bpm[row] = resting or 0
        self.zone_of_bpm[row] = _zones(member.heart_rate_zone_floors_bpm)
        if member.ftp_watts is not None:
            self.ftp_watts[row] = member.ftp_watts
            self.power_floors_watts[row] = power_floors(member.ftp_watts)
        if resting is not None:
            self.trimp_of_bpm[row] = _impulses(member.max_heart_rate_bpm, resting, member.sex)
            self.knows_trimp[row] = True
        if member.age_years is not None and member.mass_kg is not None:
            self.kcal_of_bpm[row] = _energies(member.sex, member.age_years, member.mass_kg)
            self.knows_energy[row] = True


@lru_cache(KEPT)
def _zones(floors: tuple[int, ...]) -> Array:
    return zone_of(BPM, floors).astype(np.uint8)


@lru_cache(KEPT)
def _impulses(max_bpm: int, resting_bpm: int, sex: Sex | None) -> Array:
    return _per_second(banister_per_minute(BPM, max_bpm, resting_bpm, sex))


@lru_cache(KEPT)
def _energies(sex: Sex | None, age_years: int, mass_kg: float) -> Array:
    return _per_second(kcal_per_minute(BPM, sex, age_years, mass_kg))


def _per_second(per_minute: Array) -> Array:
    return np.rint(per_minute * (UNIT / 60.0)).astype(np.int32)
