"""Ways over the ground from positions."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from pipelines.steps.columns import Array

EARTH_M: Final = 6_371_008.8
"""Mean radius R₁ (IUGG)."""


def steps_m(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Great-circle distance from each position to the one before (m; 0 for the first), by the haversine formula.

    On a sphere: within 0.5 % of the ellipsoid everywhere.
    """
    latitude, longitude = np.radians(np.asarray(latitude_deg, dtype=float)), np.radians(np.asarray(longitude_deg, dtype=float))
    north, east = np.diff(latitude, prepend=latitude[:1]), np.diff(longitude, prepend=longitude[:1])
    before = np.concatenate([latitude[:1], latitude[:-1]])
    half = np.sin(north / 2) ** 2 + np.cos(before) * np.cos(latitude) * np.sin(east / 2) ** 2
    way: Array = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return way
