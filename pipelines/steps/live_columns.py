"""The values on the wall: what each live column shows of a member at this moment."""

from typing import Final

import numpy as np

from pipelines.steps.batch import CADENCE_STEPS, SPEED_STEPS
from pipelines.steps.columns import Array
from pipelines.steps.effort import effort_points
from pipelines.steps.energy import kcal_from_work
from pipelines.steps.grid import Grid
from pipelines.steps.intensity import intensity_score
from pipelines.steps.members import CADENCE, HEART_RATE, POWER, SPEED
from pipelines.steps.physiology import UNIT
from pipelines.steps.ring import VALUE_BITS, VALUE_MASK
from pipelines.steps.totals import Totals
from pipelines.steps.zones import zone_of_rows

MOVING_MPS: Final = 0.5
"""Slower is standing: a pace in s/km would mean nothing."""

DECIMALS: Final[dict[str, int]] = {
    "heart_rate_bpm": 0,
    "heart_rate_at_ms": 0,
    "heart_rate_10s_bpm": 1,
    "heart_rate_60s_bpm": 1,
    "heart_rate_avg_bpm": 1,
    "heart_rate_max_bpm": 0,
    "zone": 0,
    "power_watts": 0,
    "power_at_ms": 0,
    "power_10s_watts": 0,
    "power_60s_watts": 0,
    "power_avg_watts": 0,
    "power_zone": 0,
    "cadence_rpm": 0,
    "cadence_at_ms": 0,
    "speed_mps": 2,
    "speed_at_ms": 0,
    "pace_s_per_km": 0,
    "pace_60s_s_per_km": 0,
    "pace_avg_s_per_km": 1,
    "intensity": 2,
    "intensity_60s": 2,
    "effort_points": 1,
    "trimp": 1,
    "energy_kcal": 0,
    "rmssd_ms": 1,
}
"""Columns that are one number a member, and the decimals people read; small changes beyond them are not sent."""


def live_values(grid: Grid, rows: Array, started_ms: Array, rmssd_ms: Array) -> tuple[dict[str, Array], Totals]:
    """Unrounded columns of some rows, NaN where there is nothing to show, and the totals they rest on."""
    totals = grid.present(rows)
    columns = (
        _newest(grid, rows, started_ms)
        | _heart_rate(grid, rows, totals)
        | _power(grid, rows, totals)
        | _pace(grid, rows, totals)
        | loads(grid, rows, totals)
        | {"rmssd_ms": rmssd_ms}
    )
    return columns, totals


def loads(grid: Grid, rows: Array, totals: Totals) -> dict[str, Array]:
    """Intensity, effort, TRIMP and energy of the session so far; NaN where the body is not known well enough."""
    measured = totals.heart_rate_count > 0
    body = grid.body
    energy = kcal_from_work(totals.work_joules) + totals.heart_kcal / UNIT
    return {
        "intensity": intensity_score(
            ratio(totals.heart_rate_sum, totals.heart_rate_count), body.max_bpm[rows], body.resting_bpm[rows]
        ),
        "effort_points": np.where(measured, effort_points(totals.zone_s), np.nan),
        "trimp": np.where(measured & body.knows_trimp[rows], totals.trimp / UNIT, np.nan),
        "energy_kcal": np.where((totals.power_count > 0) | (measured & body.knows_energy[rows]), energy, np.nan),
    }


def ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient; NaN where there is nothing to divide by."""
    quotient: Array = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
    return quotient


def _newest(grid: Grid, rows: Array, started_ms: Array) -> dict[str, Array]:
    newest = grid.members.newest[rows]
    known = newest >= 0
    values = np.where(known, newest & VALUE_MASK, np.nan)
    at_ms = np.where(known, (newest >> VALUE_BITS) + started_ms[:, None], np.nan)
    bpm = newest[:, HEART_RATE] & 0xFF
    return {
        "heart_rate_bpm": np.where(known[:, HEART_RATE], bpm, np.nan),
        "heart_rate_at_ms": at_ms[:, HEART_RATE],
        "zone": np.where(known[:, HEART_RATE], grid.body.zone_of_bpm[rows, bpm], np.nan),
        "power_watts": values[:, POWER],
        "power_at_ms": at_ms[:, POWER],
        "cadence_rpm": values[:, CADENCE] / CADENCE_STEPS,
        "cadence_at_ms": at_ms[:, CADENCE],
        "speed_mps": values[:, SPEED] / SPEED_STEPS,
        "speed_at_ms": at_ms[:, SPEED],
    }


def _heart_rate(grid: Grid, rows: Array, totals: Totals) -> dict[str, Array]:
    last_10s, last_60s = _means(grid, HEART_RATE, rows, 0xFF)
    return {
        "heart_rate_10s_bpm": last_10s,
        "heart_rate_60s_bpm": last_60s,
        "heart_rate_avg_bpm": ratio(totals.heart_rate_sum, totals.heart_rate_count),
        "heart_rate_max_bpm": np.where(totals.heart_rate_max > 0, totals.heart_rate_max, np.nan),
        "intensity_60s": intensity_score(last_60s, grid.body.max_bpm[rows], grid.body.resting_bpm[rows]),
    }


def _power(grid: Grid, rows: Array, totals: Totals) -> dict[str, Array]:
    last_10s, last_60s = _means(grid, POWER, rows, VALUE_MASK)
    zones = zone_of_rows(last_10s, grid.body.power_floors_watts[rows])
    return {
        "power_10s_watts": last_10s,
        "power_60s_watts": last_60s,
        "power_avg_watts": ratio(totals.power_sum, totals.power_count),
        "power_zone": np.where(zones > 0, zones, np.nan),
    }


def _pace(grid: Grid, rows: Array, totals: Totals) -> dict[str, Array]:
    last_10s, last_60s = _means(grid, SPEED, rows, VALUE_MASK)
    return {
        "pace_s_per_km": pace(last_10s / SPEED_STEPS),
        "pace_60s_s_per_km": pace(last_60s / SPEED_STEPS),
        "pace_avg_s_per_km": pace(ratio(totals.speed_sum, totals.speed_count) / SPEED_STEPS),
    }


def pace(speed_mps: Array) -> Array:
    """Seconds for a kilometre; NaN when standing."""
    seconds: Array = np.divide(1000.0, speed_mps, out=np.full(len(speed_mps), np.nan), where=speed_mps >= MOVING_MPS)
    return seconds


def _means(grid: Grid, metric: int, rows: Array, mask: int) -> tuple[Array, Array]:
    """Means of the last 10 and 60 seconds up to the member's newest second, over the seconds that have a value."""
    if not grid.rings[metric].has(rows).any():
        nothing = np.full(len(rows), np.nan)
        return nothing, nothing
    cells = grid.recent(metric, rows, 60)
    values, present = cells & mask, cells != 0
    last_10s, last_60s = (
        ratio(values[:, -width:].sum(axis=1, dtype=np.int64), present[:, -width:].sum(axis=1)) for width in (10, 60)
    )
    return last_10s, last_60s
