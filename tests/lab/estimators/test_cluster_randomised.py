"""Clusters drawn by lot: the effect is least squares', the inference the lots', however few clusters there are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from passerelle.lab.estimators.cluster_randomised import estimate_cluster_randomised
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.model.errors import StudyError


def trial(clusters: int, drawn: np.ndarray, *, effect: float = 0.0, seed: int = 0, strata: bool = False) -> Panel:
    """Clusters of three units at ten times, the last six after the start; units of a cluster are alike."""
    random = np.random.default_rng(seed)
    member = np.repeat(np.arange(clusters), 3)
    level = random.gamma(2, 3, clusters)
    outcomes = level[member, None] + random.normal(size=(clusters, 10))[member] + random.normal(size=(len(member), 10))
    outcomes[:, 4:] += effect * drawn[member, None]
    return panel(
        tuple(f"unit {one}" for one in range(len(member))),
        np.arange(10.0),
        outcomes,
        np.where(drawn[member], 4.0, np.inf),
        clusters=member,
        strata=member // 2 if strata else None,
    )


def test_the_effect_is_the_analysis_of_covariance() -> None:
    """Statsmodels' OLS of cluster means after on lots and cluster means before has the same coefficient."""
    drawn = np.arange(10) % 2 == 0
    data = trial(10, drawn, effect=2)
    means = data.outcomes.reshape(10, 3, 10).mean(axis=1)
    matrix = np.column_stack([drawn, np.ones(10), means[:, :4].mean(axis=1)])
    theirs = OLS(means[:, 4:].mean(axis=1), matrix).fit()
    found = estimate_cluster_randomised(data, Question())
    assert found.effect == pytest.approx(theirs.params[0])
    assert found.interval[0] < 2 < found.interval[1]
    assert (found.n_units, found.n_treated, found.smallest_p) == (10, 5, pytest.approx(2 / 252))


def test_six_clusters_are_too_few_for_five_percent() -> None:
    """Three of six: twenty ways, each with its opposite, so that no p value is under 2/20 and no interval bounded."""
    found = estimate_cluster_randomised(trial(6, np.arange(6) < 3, effect=50), Question())
    assert found.smallest_p == pytest.approx(0.1)
    assert found.interval == (-np.inf, np.inf)
    # Three of seven are 35 ways that all differ.
    assert estimate_cluster_randomised(trial(7, np.arange(7) < 3), Question()).smallest_p == pytest.approx(1 / 35)


def test_lots_drawn_within_pairs() -> None:
    """One of each of five pairs: 32 ways, and the effect is the mean of the pairs' differences, adjusted."""
    drawn = np.arange(10) % 2 == 0
    assert estimate_cluster_randomised(trial(10, drawn, strata=True), Question()).smallest_p == pytest.approx(2 / 32)


def test_units_that_were_not_always_seen() -> None:
    """A unit without any outcome after the start can't stand for its cluster; without any before, only levels count."""
    data = trial(8, np.arange(8) < 4)
    gone = data.outcomes.copy()
    gone[0, 4:] = np.nan
    with pytest.raises(StudyError, match="no outcome after"):
        estimate_cluster_randomised(data.with_outcomes(gone), Question())
    gone = data.outcomes.copy()
    gone[0, :4] = np.nan
    after = data.outcomes.reshape(8, 3, 10)[:, :, 4:].mean(axis=(1, 2))
    found = estimate_cluster_randomised(data.with_outcomes(gone), Question())
    assert found.effect == pytest.approx(after[:4].mean() - after[4:].mean())


def test_designs_that_are_none() -> None:
    """A cluster drawn in part, and two starts."""
    data = trial(8, np.arange(8) < 4)
    first = data.first.copy()
    first[0] = np.inf
    with pytest.raises(StudyError, match="drawn in part"):
        estimate_cluster_randomised(data.with_first(first), Question())
    first[:3] = 6
    with pytest.raises(StudyError, match="began at 2 times"):
        estimate_cluster_randomised(data.with_first(first), Question())


@pytest.mark.parametrize("effect", [0.0, 3.0])
def test_intervals_cover(effect: float) -> None:
    """Of 1,000 trials of ten skewed clusters, at least 95 % of the 95 % intervals hold the effect, within chance.

    The lots have 252 ways, so that the true level is 5 % or a little less: the count lies within the binomial's
    0.1 % and 99.9 % quantiles for it. Normal theory takes no part in it.
    """
    random = np.random.default_rng(11)
    held = 0
    for seed in range(1000):
        found = estimate_cluster_randomised(trial(10, random.permutation(10) < 5, effect=effect, seed=seed), Question())
        held += found.interval[0] <= effect <= found.interval[1]
    assert stats.binom.ppf(0.001, 1000, 0.95) <= held <= stats.binom.ppf(0.999, 1000, 0.96)
