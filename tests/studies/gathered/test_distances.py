"""Distances are metres on the ground."""

from __future__ import annotations

import pytest

from passerelle.model.place import point
from passerelle.studies.gathered.distances import measure

# Roughly the towers of Notre-Dame and the Eiffel Tower.
NOTRE_DAME, EIFFEL = point(2.3499, 48.8530), point(2.2945, 48.8584)


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    """One degree on a sphere of 6,371,008.8 m: 2 pi r / 360 = 111,195.08 m."""
    assert measure([point(0, 1)], [point(0, 0)]) == [pytest.approx(111_195.08, abs=0.01)]


def test_across_paris() -> None:
    """sqrt((0.0554 x cos 48.8584 x 111,195)^2 + (0.0054 x 111,195)^2) = sqrt(4,053.0^2 + 600.5^2) = 4,097 m."""
    assert measure([NOTRE_DAME], [EIFFEL]) == [pytest.approx(4_097.3, abs=2)]


def test_the_nearest_counts() -> None:
    """A point in an area is at no distance from it; of two targets the nearer one counts; without geometry, unknown."""
    square = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.9], [2.3, 48.8]]]}
    assert measure([NOTRE_DAME, None], [EIFFEL, square]) == [0.0, None]
    assert measure([NOTRE_DAME], [None]) == [None]
