"""Official areas of places, by the centre's lying in their polygons."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from passerelle.archive.areas import AreaIndex
from passerelle.feeds.area import Area
from passerelle.feeds.city import find_city_file, list_areas, read_city
from passerelle.model.place import Place, point

# Two unit squares side by side, and one division that covers both.
LEFT, RIGHT, BOTH = (
    {"type": "Polygon", "coordinates": [[[west, 0], [east, 0], [east, 1], [west, 1], [west, 0]]]}
    for west, east in ((0, 1), (1, 2), (0, 2))
)
INDEX = AreaIndex(
    [Area("square", "r", "Right", RIGHT), Area("square", "l", "Left", LEFT), Area("all", "a", "All", BOTH)]
)


@pytest.mark.parametrize(
    ("where", "areas"),
    [
        (point(0.5, 0.5), {"square": "l", "all": "a"}),
        (point(1.5, 0.5), {"square": "r", "all": "a"}),
        (point(1.0, 0.5), {"square": "l", "all": "a"}),
        (point(2.5, 0.5), {}),
        (RIGHT, {"square": "r", "all": "a"}),
        (None, {}),
    ],
)
def test_a_place_lies_where_its_centre_does(where: dict[str, object] | None, areas: dict[str, str]) -> None:
    """One code for each division, the smaller one on a border, none outside or without geometry."""
    other = Place("other", "x", "x", point(1.2, 0.2))
    located = INDEX.locate([other, Place("p", "x", "x", where), other])
    assert [place.areas for place in located] == [{"square": "r", "all": "a"}, areas, {"square": "r", "all": "a"}]


def test_a_drawn_shape_is_of_every_area_it_meets() -> None:
    """A line from one square into the other is of both, a point in one of that alone; a code may name its division."""
    across = {"type": "LineString", "coordinates": [[0.5, 0.5], [1.5, 0.5]]}
    drawn = {"across": across, "left": point(0.5, 0.5), "out": point(3, 3)}
    assert INDEX.find_drawn("square:r", drawn) == ["across"]
    assert INDEX.find_drawn("l", drawn) == ["across", "left"]
    assert INDEX.find_drawn("all:r", drawn) == []


def test_no_areas_no_codes() -> None:
    """A city without divisions leaves its places as they are."""
    place = Place("p", "x", "x", point(1, 1))
    assert AreaIndex([]).locate([place]) == [place]


# https://opendata.paris.fr/explore/dataset/arrondissements/: the addresses' districts as everybody knows them.
LANDMARKS = {
    "Louvre": (2.3376, 48.8606, "75101"),
    "Panthéon": (2.3462, 48.8462, "75105"),
    "Tour Eiffel": (2.2945, 48.8584, "75107"),
    "Sacré-Cœur": (2.3431, 48.8867, "75118"),
    "Père-Lachaise": (2.3933, 48.8614, "75120"),
}


def test_landmarks_are_in_their_arrondissements() -> None:
    """Five sights of Paris lie in the districts of their postal addresses."""
    index = AreaIndex(list_areas(read_city(find_city_file("paris"))))
    places = [Place(name, "sight", name, point(lon, lat)) for name, (lon, lat, _) in LANDMARKS.items()]
    found = [place.areas["arrondissement"] for place in index.locate(places)]
    assert found == [code for _, _, code in LANDMARKS.values()]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(2.2, 2.5), st.floats(48.8, 48.92)), min_size=1, max_size=20))
def test_the_index_agrees_with_a_plain_search(points: list[tuple[float, float]]) -> None:
    """Wherever points lie, the tree finds what comparing with every polygon finds."""
    located = PARIS.locate([Place("p", "x", "x", point(*one)) for one in points])
    expected = [
        min((code for code, polygon in POLYGONS if polygon.intersects(Point(one))), default=None) for one in points
    ]
    assert [place.areas.get("arrondissement") for place in located] == expected


DISTRICTS = [area for area in list_areas(read_city(find_city_file("paris"))) if area.division == "arrondissement"]
POLYGONS = [(area.code, shape(area.geometry)) for area in DISTRICTS]
PARIS = AreaIndex(DISTRICTS)
