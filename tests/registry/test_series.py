"""Series: numbers that stand for four words, and the filters of lists."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.registry.places import put_places
from passerelle.registry.search import Search
from passerelle.registry.series import (
    SERIES,
    count_series,
    get_series,
    list_numbers,
    list_series,
    list_words,
    put_series,
)

BIKES = Series("counters", "hall", "bicycle_count")
MEAN = Series("air", "opera", "no2_daily_mean")
FACET = Series("reports", "opera", "reports_opened", "Propreté")


@pytest.fixture
def series(connection: Connection) -> Connection:
    put_places(
        connection,
        [
            Place("hall", "station", "Hôtel de Ville", point(2.3522, 48.8566), {"arrondissement": "75104"}),
            Place("opera", "station", "Opéra", point(2.3316, 48.8719)),
        ],
    )
    assert put_series(connection, [BIKES, MEAN, FACET]) == 3
    return connection


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {BIKES, MEAN, FACET}),
        ({"sector": "air"}, {MEAN}),
        ({"quantity": "bicycle_count"}, {BIKES}),
        ({"place": "opera"}, {MEAN, FACET}),
        ({"feed": "reports"}, {FACET}),
        ({"area": "75104"}, {BIKES}),
        ({"bbox": (2.33, 48.87, 2.34, 48.88)}, {MEAN, FACET}),
        ({"where": Search.of("proprete hotel").conditions()}, set()),
        ({"sector": "mobility", "place": "opera"}, set()),
    ],
)
def test_filters(series: Connection, filters: dict[str, object], expected: set[Series]) -> None:
    """Each filter keeps what it says."""
    found = list_series(series, **filters)  # type: ignore[arg-type]
    assert {one.number for one in found} == {one.number for one in expected}


def test_a_series_comes_back(series: Connection) -> None:
    """With its words, sector, and its place's name and centre."""
    stored = get_series(series, BIKES.number)
    assert (stored.id, stored.feed, stored.place, stored.quantity, stored.facet, stored.sector) == (
        BIKES.id,
        "counters",
        "hall",
        "bicycle_count",
        "",
        "mobility",
    )
    assert (stored.place_name, stored.centre) == ("Hôtel de Ville", (2.3522, 48.8566))


def test_a_number_keeps_its_words(series: Connection) -> None:
    """Where a number stands for other words already, both are named and nothing is put."""
    series.execute(update(SERIES).where(SERIES.c.number == BIKES.number).values(facet="other"))
    with pytest.raises(InvalidValueError, match="can't stand for"):
        put_series(series, [BIKES])


def test_the_same_again_is_not_new(series: Connection) -> None:
    """Putting series again counts none."""
    assert put_series(series, [BIKES, MEAN]) == 0


def test_pages_are_in_order_of_numbers(series: Connection) -> None:
    """One at a time they come in ascending numbers."""
    numbers: list[int] = []
    while page := list_series(series, limit=1, after=numbers[-1] if numbers else None):
        numbers.append(page[0].number)
    assert numbers == sorted(one.number for one in (BIKES, MEAN, FACET))


def test_counts_and_numbers(series: Connection) -> None:
    """Sectors are counted with their places; numbers are given by feed and quantity."""
    assert count_series(series) == {"mobility": (1, 1), "air": (1, 1), "citizens": (1, 1)}
    assert list_numbers(series, feed="air") == [MEAN.number]
    assert list_numbers(series, quantity="bicycle_count", feed="air") == []
    assert (BIKES.number, "counters", "bicycle_count") in list_words(series)


def test_an_unknown_series_raises_with_its_id(series: Connection) -> None:
    """The error says the id as people see it."""
    with pytest.raises(UnknownNameError, match="0000000000011"):
        get_series(series, 33)
