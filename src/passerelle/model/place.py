"""Places: stations, counters, areas and network nodes, with geometry, H3 cell and official areas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import h3
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from passerelle.model.errors import InvalidValueError

H3_RESOLUTION = 9
"""Cells of about 0.1 km2, a city block or two: https://h3geo.org/docs/core-library/restable/."""


@dataclass(frozen=True)
class Place:
    """Somewhere a quantity is measured.

    `geometry` is GeoJSON in WGS 84 (longitude, latitude) or None where the publisher gives none;
    `areas` maps an official division (`arrondissement`, `neighbourhood`) to the code of the area
    the place lies in.
    """

    id: str
    kind: str
    name: str
    geometry: Mapping[str, Any] | None = None
    areas: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id or not self.kind or not self.name:
            raise InvalidValueError(f"place {self.id!r} needs an id, a kind and a name", where="place")
        if self.geometry is None:
            return
        west, south, east, north = self._valid_shape().bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise InvalidValueError(
                f"place {self.id!r} lies at {(west, south, east, north)}; longitude must be within "
                "-180..180 and latitude within -90..90",
                where="geometry",
            )

    def _valid_shape(self) -> shapely.Geometry:
        try:
            geometry = shape(self.geometry)
        except (ShapelyError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidValueError(f"place {self.id!r} has no GeoJSON geometry: {error}", where="geometry") from error
        if geometry.is_empty:
            raise InvalidValueError(f"place {self.id!r} has an empty geometry", where="geometry")
        return geometry

    @cached_property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north in degrees, or None without a geometry."""
        return None if self.geometry is None else tuple(self._valid_shape().bounds)

    @cached_property
    def centre(self) -> tuple[float, float] | None:
        """A longitude and latitude inside the place, or None without a geometry."""
        if self.geometry is None:
            return None
        point = self._valid_shape().representative_point()
        return (point.x, point.y)

    @cached_property
    def cell(self) -> str | None:
        """The H3 cell of `centre`, or None without a geometry."""
        return None if self.centre is None else h3.latlng_to_cell(self.centre[1], self.centre[0], H3_RESOLUTION)


def point(longitude: float, latitude: float) -> dict[str, Any]:
    """A GeoJSON point.

    >>> point(2.35, 48.85)
    {'type': 'Point', 'coordinates': (2.35, 48.85)}
    """
    return dict(mapping(shapely.Point(longitude, latitude)))
