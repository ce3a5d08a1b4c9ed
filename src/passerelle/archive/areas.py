"""Which official areas a place lies in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import shapely
from shapely.geometry import shape

from passerelle.feeds.area import Area
from passerelle.model.place import Place


class AreaIndex:
    """The official areas of a city, to be asked for the ones that hold a place's centre."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas: Sequence[Area] = tuple(areas)
        self._tree = shapely.STRtree([shape(area.geometry) for area in self._areas])

    def find_drawn(self, area: str, geometries: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The names of the GeoJSON `geometries` that meet `area`, a code or `division:code`."""
        division, colon, code = area.rpartition(":")
        outlines = [
            shape(one.geometry) for one in self._areas if one.code == code and (not colon or one.division == division)
        ]
        return [
            name for name, drawn in geometries.items() if any(outline.intersects(shape(drawn)) for outline in outlines)
        ]

    def locate(self, places: Sequence[Place]) -> list[Place]:
        """`places`, each with the code of the area its centre lies in, division by division.

        On a border shared by two areas of a division the smaller code is taken, so that every
        node gives the same answer.
        """
        located = [at for at, place in enumerate(places) if place.centre is not None]
        centres = [shapely.Point(place.centre) for place in places if place.centre is not None]
        codes: dict[int, dict[str, str]] = {at: {} for at in located}
        if centres and self._areas:
            for point, found in zip(*self._tree.query(centres, predicate="intersects"), strict=True):
                area, held = self._areas[found], codes[located[point]]
                held[area.division] = min(area.code, held.get(area.division, area.code))
        return [
            replace(place, areas={**place.areas, **codes[at]}) if codes.get(at) else place
            for at, place in enumerate(places)
        ]
