"""Places: geometry in degrees, a centre inside, an H3 cell."""

from __future__ import annotations

from typing import Any

import h3
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place, point

SQUARE = {"type": "Polygon", "coordinates": [[[2.0, 48.0], [2.2, 48.0], [2.2, 48.2], [2.0, 48.2], [2.0, 48.0]]]}
HORSESHOE = {
    "type": "Polygon",
    "coordinates": [[[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]],
}


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_point_is_its_own_centre(longitude: float, latitude: float) -> None:
    """A point's bounds and centre are itself, and its cell is the one H3 says holds it."""
    place = Place("p", "station", "P", point(longitude, latitude))
    assert place.bounds == (longitude, latitude, longitude, latitude)
    assert place.centre == (longitude, latitude)
    assert place.cell == h3.latlng_to_cell(latitude, longitude, 9)


@pytest.mark.parametrize("geometry", [SQUARE, HORSESHOE])
def test_the_centre_lies_inside(geometry: dict[str, Any]) -> None:
    """A polygon's centre lies in it, where a horseshoe's centroid doesn't."""
    place = Place("a", "area", "A", geometry)
    assert place.centre is not None
    assert shape(geometry).contains(shapely.Point(place.centre))


def test_the_cell_is_the_one_of_h3s_own_example() -> None:
    """37.769377 N, 122.388903 W is in 89283082e73ffff: the example of h3-py's README."""
    assert Place("p", "station", "P", point(-122.388903, 37.769377)).cell == "89283082e73ffff"


def test_absent_geometry_is_absent() -> None:
    """Without geometry there are no bounds, no centre and no cell, and nothing is put in their place."""
    place = Place("p", "garage", "P")
    assert (place.geometry, place.bounds, place.centre, place.cell) == (None, None, None, None)


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"type": "Point"},
        {"type": "Dot", "coordinates": [2, 48]},
        {"type": "Point", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[2, 48]]]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Point", "coordinates": [2.3, 148.8]},
        {"type": "Point", "coordinates": [-200.0, 48.8]},
        {"type": "Point", "coordinates": [float("nan"), 48.8]},
        {"type": "Point", "coordinates": [float("inf"), 48.8]},
        {"type": "Polygon", "coordinates": []},
        "Point",
    ],
)
def test_what_is_no_geometry_cannot_be_a_place(geometry: Any) -> None:
    """Neither other forms than GeoJSON, nor empty ones, nor degrees off the globe build a place."""
    with pytest.raises(InvalidValueError) as caught:
        Place("p", "station", "P", geometry)
    assert caught.value.where == "geometry"


@pytest.mark.parametrize("words", [("", "k", "n"), ("i", "", "n"), ("i", "k", "")])
def test_a_place_has_an_id_a_kind_and_a_name(words: tuple[str, str, str]) -> None:
    """None of the three may be empty."""
    with pytest.raises(InvalidValueError, match="needs an id, a kind and a name"):
        Place(*words)
