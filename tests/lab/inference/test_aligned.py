"""A panel by times since the change gives the published event study and plain differences of means."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.simulated import draw, of

from passerelle.lab.inference.aligned import TwoGroups, align
from passerelle.lab.panel import panel

TWO = np.array([[1.0, 1, 4, 4], [2, 2, 3, 3], [0, 0, 1, 1]])
"""The first rises by 3, the others by 1: the difference in differences is 2."""


def test_a_contrast_is_the_difference_in_differences() -> None:
    """Means by hand: (4 - 1) - ((3 - 2) + (1 - 0)) / 2 = 2; slopes 1.2 and 0.4 (sum of (t - 1.5) y over 5)."""
    aligned = align(of(TWO, 1, 2))
    assert aligned is not None
    assert aligned.contrast(aligned.before, aligned.after).effect == pytest.approx(2)
    assert aligned.slope(aligned.since < 9).effect == pytest.approx(1.2 - 0.4)
    assert aligned.since.tolist() == [-2, -1, 0, 1]


def test_t_statistic_of_two_small_groups() -> None:
    """[1, 2, 3] and [5, 6, 7] pooled: variance 1, error sqrt(2/3), t = -4 / 0.8165 = -4.899, p 0.0080 (a t table)."""
    found = TwoGroups(np.array([1.0, 2, 3]), np.array([5.0, 6, 7]))
    assert found.se == pytest.approx(np.sqrt(2 / 3))
    assert found.p_value() == pytest.approx(0.00805, abs=5e-6)
    assert found.half_width(0.95) == pytest.approx(2.776445 * np.sqrt(2 / 3))


def test_a_gap_in_one_record_leaves_what_all_share() -> None:
    """A unit not seen in a time that was high for all isn't taken for lower."""
    outcomes = TWO + np.array([0.0, 50, 0, 70])
    outcomes[1, 1] = outcomes[0, 3] = np.nan
    aligned = align(of(outcomes, 1, 2))
    assert aligned is not None
    assert aligned.contrast(aligned.before, aligned.after).effect == pytest.approx(2)


def test_cohorts_are_laid_over_each_other() -> None:
    """Effects of 1 and 2 at starts 2 and 3, means by hand: 1.5 so long after as both were seen, 1 at the last."""
    outcomes = np.zeros((4, 5))
    outcomes[0, 2:], outcomes[1, 3:] = 1, 2
    aligned = align(panel(tuple("abcd"), np.arange(5.0), outcomes, np.array([2.0, 3.0, np.inf, np.inf])))
    assert aligned is not None
    gap = dict(zip(aligned.since.tolist(), aligned.gap().tolist(), strict=True))
    assert gap == pytest.approx({-3: 0, -2: 0, -1: 0, 0: 1.5, 1: 1.5, 2: 1})


def test_traits_are_taken_out() -> None:
    """What follows from a trait in the comparison (here all of the rise) leaves nothing."""
    trait = np.arange(8.0)
    outcomes = np.outer(trait, [0.0, 0, 1, 1])
    city = panel(tuple("abcdefgh"), np.arange(4.0), outcomes, np.where(trait > 5, 2.0, np.inf), traits=trait[:, None])
    aligned = align(city)
    assert aligned is not None
    assert aligned.contrast(aligned.before, aligned.after).effect == pytest.approx(0)


def test_nobody_left_without_the_change() -> None:
    """Without a comparison unit there is nothing to align with."""
    assert align(draw(1, 5, 0)) is None
