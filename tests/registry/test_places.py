"""Places: put, found by words, box, area and sector, and paged."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from passerelle.model.errors import UnknownNameError
from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.registry.places import count_places, get_place, list_places, put_places, read_centres
from passerelle.registry.series import put_series

HALL = Place("hall", "station", "Hôtel de Ville", point(2.3522, 48.8566), {"arrondissement": "75104"})
OPERA = Place("opera", "station", "Opéra — Œuvres", point(2.3316, 48.8719), {"arrondissement": "75109"})
NETWORK = Place("network", "area", "Île-de-France")


@pytest.fixture
def places(connection: Connection) -> Connection:
    put_places(connection, [HALL, OPERA, NETWORK])
    put_series(connection, [Series("f", "hall", "bicycle_count"), Series("f", "hall", "no2_daily_mean")])
    return connection


def ids(connection: Connection, **filters: object) -> list[str]:
    return [place.id for place in list_places(connection, **filters)]  # type: ignore[arg-type]


def test_centres_come_in_the_order_asked_for(places: Connection) -> None:
    """Those without a position, or unknown, are left out."""
    assert read_centres(places, ["opera", "network", "nowhere", "hall"]) == [(2.3316, 48.8719), (2.3522, 48.8566)]


def test_a_place_comes_back(places: Connection) -> None:
    """With geometry, centre, H3 cell, areas, and the sectors of its series in order."""
    place = get_place(places, "hall")
    assert place.geometry == {"type": "Point", "coordinates": [2.3522, 48.8566]}
    assert place.centre == (2.3522, 48.8566)
    assert place.cell == HALL.cell
    assert place.areas == {"arrondissement": "75104"}
    assert place.sectors == ("air", "mobility")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["hall", "network", "opera"]),
        ({"kind": "station"}, ["hall", "opera"]),
        ({"q": "hotel"}, ["hall"]),
        ({"q": "HÔTEL ville"}, ["hall"]),
        ({"q": "oeuvres"}, ["opera"]),
        ({"q": "ile"}, ["network"]),
        ({"q": "%"}, []),
        ({"q": "hall opera"}, []),
        ({"area": "75109"}, ["opera"]),
        ({"area": "arrondissement:75104"}, ["hall"]),
        ({"area": "commune:75104"}, []),
        ({"sector": "air"}, ["hall"]),
        ({"sector": "water"}, []),
        ({"bbox": (2.3, 48.86, 2.34, 48.9)}, ["opera"]),
        ({"bbox": (2.3522, 48.8566, 2.3522, 48.8566)}, ["hall"]),
        ({"bbox": (2.0, 48.0, 3.0, 49.0), "kind": "area"}, []),
    ],
)
def test_filters(places: Connection, filters: dict[str, object], expected: list[str]) -> None:
    """Each filter, alone and with others, keeps what it says; words are compared without accents and capitals."""
    assert ids(places, **filters) == expected


def test_a_place_without_geometry_keeps_what_was_known(places: Connection) -> None:
    """A feed that only knows a place's name doesn't take its geometry and areas away."""
    assert put_places(places, [Place("hall", "station", "Hôtel de Ville (parvis)")]) == 1
    place = get_place(places, "hall")
    assert (place.name, place.centre) == ("Hôtel de Ville (parvis)", (2.3522, 48.8566))
    assert ids(places, area="75104") == ["hall"]


def test_a_place_that_moved_leaves_its_area(places: Connection) -> None:
    """New geometry replaces the old one, its box and its areas."""
    put_places(places, [Place("hall", "station", "Hôtel de Ville", OPERA.geometry, OPERA.areas)])
    assert ids(places, area="75104") == []
    assert ids(places, bbox=(2.33, 48.87, 2.34, 48.88)) == ["hall", "opera"]


def test_the_same_again_changes_nothing(places: Connection) -> None:
    """Putting equal places again counts none as changed."""
    assert put_places(places, [HALL, OPERA, NETWORK]) == 0
    assert count_places(places) == 3


def test_an_unknown_place_raises(places: Connection) -> None:
    """The error names what was asked for."""
    with pytest.raises(UnknownNameError, match="nowhere"):
        get_place(places, "nowhere")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(names=st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=30), limit=st.integers(1, 7))
def test_pages_hold_every_place_once(connection: Connection, names: set[str], limit: int) -> None:
    """Paging by any limit gives all places, each once, in the order of their ids."""
    names = {name for name in names if "\x00" not in name and name.isprintable()} or {"x"}
    put_places(connection, [Place(name, "station", name) for name in names])
    whole = ids(connection, limit=100_000)
    paged: list[str] = []
    while page := ids(connection, limit=limit, after=paged[-1] if paged else None):
        paged += page
    assert paged == whole
    assert names <= set(whole)
