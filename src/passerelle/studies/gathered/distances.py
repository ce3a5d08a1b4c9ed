"""How far places are from where something was done, in metres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import shape

Geometry = Mapping[str, Any]
"""GeoJSON in WGS 84."""

EARTH_METRES = 6_371_008.8
"""The Earth's mean radius, (2a + b) / 3 of WGS 84: Moritz (2000), doi:10.1007/s001900050278."""


def measure(places: Sequence[Geometry | None], targets: Iterable[Geometry | None]) -> list[float | None]:
    """Metres from each place to the nearest of `targets`; None where one has no geometry.

    Degrees are laid flat around the targets, which within a city is true to a tenth of a percent.
    """
    there = [shape(one) for one in targets if one is not None]
    if not there:
        return [None] * len(places)
    union = shapely.union_all(there)
    latitude = union.centroid.y
    target = _lay_flat(union, latitude)
    return [None if one is None else float(_lay_flat(shape(one), latitude).distance(target)) for one in places]


def _lay_flat(geometry: shapely.Geometry, latitude: float) -> shapely.Geometry:
    metres = math.radians(1) * EARTH_METRES
    return shapely.transform(geometry, lambda points: points * [metres * math.cos(math.radians(latitude)), metres])
