"""The search: which words find which series, capitals, accents and slips forgiven."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.registry.places import put_places
from passerelle.registry.search import MOST_NEAR, Search, count_slips, find_nearest
from passerelle.registry.series import list_series, put_series

BIKES = Series("counters", "hall", "bicycle_count")
DEMAND = Series("grid", "paris", "electricity_demand")
AIR = Series("air", "opera", "no2_daily_mean")
REPORTS = Series("reports", "opera", "reports_opened", "Propreté")
FEEDS = {"counters": "permanent bicycle counters ville de paris", "air": "airparif"}


@pytest.fixture
def city(connection: Connection) -> Connection:
    """Four series at three places."""
    hall = Place("hall", "station", "Hôtel de Ville", point(2.3522, 48.8566))
    put_places(connection, [hall, Place("opera", "station", "Opéra"), Place("paris", "area", "Paris")])
    put_series(connection, [BIKES, DEMAND, AIR, REPORTS])
    return connection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vélos", {BIKES}),
        ("bicycles HOTEL", {BIKES}),
        ("dioxyde opera", {AIR}),
        ("proprete", {REPORTS}),
        ("air quality", {AIR}),
        ("qualité de l'air", {AIR}),
        ("airparif", {AIR}),
        ("counters", {BIKES}),
        ("", {BIKES, DEMAND, AIR, REPORTS}),
    ],
)
def test_words_as_they_are_written(city: Connection, text: str, expected: set[Series]) -> None:
    """Words of the place, the facet, the quantity in both languages, its sector and the feed find it."""
    search = Search.of(text, FEEDS)
    assert {one.number for one in list_series(city, where=search.conditions())} == {one.number for one in expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hotel de vile", {BIKES}),
        ("Hôtel-de-Ville", {BIKES}),
        ("%%%", set()),
        ("hotle de ville", {BIKES}),
        ("bycicle", {BIKES}),
        ("electicity", {DEMAND}),
        ("electrictiy demandd", {DEMAND}),
        ("electircité", {DEMAND}),
        ("oprea poprete", {REPORTS}),
        ("air qualtiy", {AIR}),
        ("zzzz", set()),
        ("hotel zzzzzzz", set()),
    ],
)
def test_slips_are_forgiven(city: Connection, text: str, expected: set[Series]) -> None:
    """A wrong, missing, doubled or swapped letter still finds; a word that is near to none finds nothing."""
    search = Search.of(text, FEEDS)
    assert list_series(city, where=search.conditions()) == []
    found = list_series(city, where=search.forgive(city).conditions())
    assert {one.number for one in found} == {one.number for one in expected}


@pytest.mark.parametrize(
    ("word", "other", "slips"),
    [
        ("velo", "velo", 0),
        ("velo", "velos", 0),
        ("vleo", "velo", 1),
        ("velob", "velib", 1),
        ("elib", "velib", 1),
        ("bycicle", "bicycle", 2),
        ("abcdef", "uvwxyz", 3),
    ],
)
def test_slips_are_counted(word: str, other: str, slips: int) -> None:
    """A swap of neighbours is one slip; what follows the typed beginning is none; three stands for more than two."""
    assert count_slips(word, other, 2) == slips


def test_short_words_must_be_right() -> None:
    """Two letters are forgiven nothing, five letters one slip, six two, as Elasticsearch does by itself."""
    assert find_nearest("no", ["na"]) == []
    assert find_nearest("velib", ["velob"]) == ["velob"]
    assert find_nearest("velib", ["valob"]) == []
    assert find_nearest("metros", ["mitras"]) == ["mitras"]


def test_the_nearest_come_alone_and_are_few() -> None:
    """A word at one slip leaves out those at two, and no word stands for more than thirty."""
    assert find_nearest("station", ["stations", "statuon", "stathom"]) == ["stations"]
    assert len(find_nearest("statiin", [f"station{at}" for at in range(200)])) == MOST_NEAR
