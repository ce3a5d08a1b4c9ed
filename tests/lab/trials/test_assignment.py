"""Lots that anybody can draw again, among places that were alike and far from each other."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.panel import panel
from passerelle.lab.trials.assignment import commit, draw, group_near, match, name_clusters, verify
from passerelle.model.errors import InvalidValueError, StudyError

NAMES = ("a", "b", "c", "d")


def test_lots_are_what_sha256sum_says() -> None:
    """`printf %s s:a | sha256sum` and so on begin with LOTS; the smallest two are drawn."""
    tickets = draw(NAMES, np.zeros(4, dtype=int), 2, "s")
    assert [one.lot[:8] for one in tickets] == ["d4315d83", "d30eca2b", "97a9a904", "9d1ff413"]
    assert {one.name for one in tickets if one.drawn} == {"c", "d"}


def test_as_many_of_each_stratum() -> None:
    """One of each pair; a stratum of one can't have one drawn, for it would not be by lot."""
    tickets = draw(NAMES, np.array([0, 0, 1, 1]), 1, "s")
    assert [sum(one.drawn for one in tickets if one.stratum == stratum) for stratum in (0, 1)] == [1, 1]
    with pytest.raises(InvalidValueError, match="1 of the 1"):
        draw(NAMES, np.array([0, 0, 0, 1]), 1, "s")


def test_lots_are_fair() -> None:
    """Over 2,000 seeds each of four is drawn half the time: within 3.3 standard errors, 3.7 points."""
    counts = np.zeros(4)
    for seed in range(2000):
        counts += [one.drawn for one in draw(NAMES, np.zeros(4, dtype=int), 2, str(seed))]
    assert counts / 2000 == pytest.approx([0.5] * 4, abs=0.037)


def test_a_seed_can_not_be_changed_afterwards() -> None:
    """The published hash holds for its seed alone."""
    verify("one", commit("one").upper())
    with pytest.raises(StudyError, match="the seed's SHA-256"):
        verify("two", commit("one"))


def test_pairs_are_alike() -> None:
    """Levels 10, 1, 9, 2 and 5: the two high ones and, of an odd number, three that are left."""
    rows = np.array([[10.0, 10], [1, 1], [9, 9], [2, np.nan], [5, 5]])
    assert match(rows, 2).tolist() == [0, 1, 0, 1, 1]
    with pytest.raises(InvalidValueError, match="strata of 6"):
        match(rows, 6)


def test_what_is_near_is_drawn_together() -> None:
    """A hundredth of a degree of latitude is 1,112 m: within 1,200 m three in a row are one cluster, a fourth apart."""
    latitudes, longitudes = np.array([48.85, 48.86, 48.87, 48.90]), np.full(4, 2.35)
    assert group_near(latitudes, longitudes, 1200).tolist() == [0, 0, 0, 1]
    assert len(set(group_near(latitudes, longitudes, 1100).tolist())) == 4


def test_clusters_have_the_name_of_their_first_unit() -> None:
    """And the mean of those of their units that were seen."""
    outcomes = np.array([[1.0, np.nan], [3.0, 5.0], [7.0, 7.0]])
    data = panel(("x", "y", "z"), np.arange(2.0), outcomes, np.full(3, np.inf), clusters=np.array([1, 1, 0]))
    names, histories = name_clusters(data)
    assert names == ["z", "x"]
    assert histories.tolist() == [[7, 7], [2, 5]]
