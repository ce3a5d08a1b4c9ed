"""Permutations are inverted exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import permutation_test

from passerelle.lab.inference.contrast import Contrast
from passerelle.lab.inference.exchange import choices, exchange_sides


def contrast(values: np.ndarray, treated: int) -> Contrast:
    side = np.arange(len(values)) < treated
    return Contrast(values, side.astype(float), side, np.arange(len(values)), np.empty((len(values), 0)))


def p_value(values: np.ndarray, treated: int) -> float:
    """SciPy's two-sided exact test of the absolute difference of means."""

    def statistic(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(one.mean(axis=axis) - other.mean(axis=axis))

    sides = (values[:treated], values[treated:])
    return float(permutation_test(sides, statistic, alternative="greater", n_resamples=np.inf, vectorized=True).pvalue)


@pytest.mark.parametrize(("treated", "others"), [(2, 9), (3, 5), (4, 4)])
def test_scipy_agrees_at_zero_and_at_the_ends(treated: int, others: int) -> None:
    """The p value is SciPy's; a millionth inside the ends SciPy does not reject, a millionth outside it does."""
    values = np.random.default_rng(treated).normal(size=treated + others)
    found = exchange_sides(contrast(values, treated), 0.95, 0)
    assert found.p_value == pytest.approx(p_value(values, treated))
    for end, out in zip(found.ends, (-1, 1), strict=True):
        assert math.isfinite(end)
        for step, rejected in ((1e-6, True), (-1e-6, False)):
            moved = values - (end + out * step) * (np.arange(len(values)) < treated)
            assert (p_value(moved, treated) <= 0.05 + 1e-12) == rejected


def test_nineteen_choices_bound_nothing() -> None:
    """A permutation test at 5 % needs 20; at 90 % ten are enough."""
    values = np.random.default_rng(0).normal(size=19)
    assert exchange_sides(contrast(values, 1), 0.95, 0).ends == (-math.inf, math.inf)
    assert all(map(math.isfinite, exchange_sides(contrast(values, 1), 0.9, 0).ends))


def test_choices_are_all_or_drawn() -> None:
    """Fifteen ways to choose two of six, the one that was made first; of many, a fixed number is drawn by the seed."""
    assert len({tuple(sorted(row)) for row in choices(6, np.array([4, 2]), 0).tolist()}) == 15
    assert choices(6, np.array([4, 2]), 0)[0].tolist() == [4, 2]
    drawn = choices(60, np.arange(8), 3)
    assert drawn.shape == (5000, 8)
    np.testing.assert_array_equal(drawn, choices(60, np.arange(8), 3))
