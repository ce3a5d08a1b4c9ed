"""Errors of a difference between two sides, by clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from passerelle.lab.inference.contrast import Contrast, cluster_t, wild
from passerelle.model.errors import StudyError


def contrast(values: np.ndarray, treated: int, clusters: np.ndarray | None = None, traits: int = 0) -> Contrast:
    side = np.arange(len(values)) < treated
    own = np.arange(len(values)) if clusters is None else clusters
    facts = np.random.default_rng(9).normal(size=(len(values), traits))
    return Contrast(values, side.astype(float), side, own, facts)


def test_equal_clusters_are_the_t_test_of_their_means() -> None:
    """Ten clusters of three against twelve: Welch's error of the clusters' means; degrees as if variances were equal.

    With equal variances s2, n = 10 and m = 12, Satterthwaite's degrees are (1/n + 1/m)^2 / (1/n^2/(n-1) + 1/m^2/(m-1)).
    """
    values = np.random.default_rng(1).normal(size=66)
    found = cluster_t(contrast(values, 30, np.arange(66) // 3), 0.95)
    means = values.reshape(22, 3).mean(axis=1)
    theirs = stats.ttest_ind(means[:10], means[10:], equal_var=False)
    effect = values[:30].mean() - values[30:].mean()
    assert effect / found.se == pytest.approx(theirs.statistic, rel=1e-12)
    degrees = (1 / 10 + 1 / 12) ** 2 / (1 / 10**2 / 9 + 1 / 12**2 / 11)
    assert (found.ends[1] - effect) / found.se == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


def test_a_cluster_on_both_sides() -> None:
    """Pairs with one of each: the error of the pairs' differences."""
    values = np.random.default_rng(2).normal(size=40)
    pairs = np.concatenate([np.arange(20), np.arange(20)])
    found = cluster_t(contrast(values, 20, pairs), 0.95)
    theirs = stats.ttest_rel(values[:20], values[20:])
    assert (values[:20].mean() - values[20:].mean()) / found.se == pytest.approx(theirs.statistic, rel=0.06)


def test_wild_p_values_are_level() -> None:
    """Six against eight with no effect: of 400 samples 5 % are rejected (2.2 to 7.8 %: 2.6 standard errors)."""
    random = np.random.default_rng(3)
    rejected = sum(
        not low <= 0 <= high
        for low, high in (wild(contrast(random.normal(size=14), 6), 0.95, draw).ends for draw in range(400))
    )
    assert 0.022 <= rejected / 400 <= 0.078


def test_wild_is_near_the_t_interval_where_many() -> None:
    """Forty against forty: the ends differ by less than a tenth of the width."""
    data = contrast(np.random.default_rng(4).normal(size=80), 40)
    one, other = cluster_t(data, 0.95).ends, wild(data, 0.95, 0).ends
    assert np.abs(np.subtract(one, other)).max() < 0.1 * (one[1] - one[0])


def test_traits_that_are_the_change_are_refused() -> None:
    """A trait that says who was treated leaves nothing to compare."""
    side = np.arange(10) < 5
    with pytest.raises(StudyError, match="traits"):
        Contrast(np.arange(10.0), side.astype(float), side, np.arange(10), side[:, None].astype(float))
