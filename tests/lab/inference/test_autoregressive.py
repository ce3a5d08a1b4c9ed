"""A fit with errors of unknown correlation is the mixture of statsmodels' fits with known ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import GLS

from passerelle.lab.inference.autoregressive import CORRELATIONS, fit_autoregressive
from passerelle.model.errors import StudyError

POSITIONS = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 10.0, 11.0, 12.0, 13.0, 14.0])
STEP = np.eye(1, 2)[0]


def example(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=12).cumsum(), np.column_stack([POSITIONS >= 6, np.ones(12)])


def test_statsmodels_agrees() -> None:
    """GLS with each correlation's Toeplitz matrix, weighed by exp(restricted likelihood), has the same mean and error.

    The restricted likelihood of GLS: -(log|V| + log|X'V^-1 X| + (n - k) log RSS) / 2, with the RSS whitened.
    """
    outcome, matrix = example()
    apart = np.abs(np.subtract.outer(POSITIONS, POSITIONS))
    rows = []
    for rho in CORRELATIONS:
        sigma = np.sign(rho) ** apart * np.abs(rho) ** apart / (1 - rho**2)
        fit = GLS(outcome, matrix, sigma=sigma).fit()
        information = np.linalg.inv(fit.normalized_cov_params)
        restricted = -0.5 * (np.linalg.slogdet(sigma)[1] + np.linalg.slogdet(information)[1] + 10 * np.log(fit.ssr))
        rows.append((restricted, fit.params[0], fit.bse[0]))
    restricted, centres, errors = np.array(rows).T
    weights = np.exp(restricted - restricted.max())
    weights /= weights.sum()
    mean = weights @ centres
    effect, se = fit_autoregressive(POSITIONS, outcome, matrix).estimate(STEP)
    assert effect == pytest.approx(mean, rel=1e-6)
    assert se == pytest.approx(np.sqrt(weights @ (errors**2 + (centres - mean) ** 2)), rel=1e-6)
    low, high = fit_autoregressive(POSITIONS, outcome, matrix).interval(STEP, 0.9)
    shares = [weights @ stats.t.cdf(end, 10, centres, errors) for end in (low, high)]
    assert shares == pytest.approx([0.05, 0.95], abs=1e-6)


def test_an_interval_ends_where_p_is_its_level() -> None:
    """Moved by an end of its 90 % interval, the outcome has a p value of 10 %."""
    outcome, matrix = example()
    fit = fit_autoregressive(POSITIONS, outcome, matrix)
    low, high = fit.interval(STEP, 0.9)
    for end in (low, high):
        assert fit_autoregressive(POSITIONS, outcome - end * matrix[:, 0], matrix).p_value(STEP) == pytest.approx(0.1)


def test_units_of_the_outcome_do_not_matter() -> None:
    """A billionth of the outcome has a billionth of the interval."""
    outcome, matrix = example()
    wide = fit_autoregressive(POSITIONS, outcome, matrix).interval(STEP, 0.95)
    small = fit_autoregressive(POSITIONS, outcome * 1e-9, matrix).interval(STEP, 0.95)
    assert np.array(small) * 1e9 == pytest.approx(np.array(wide), rel=1e-9)


def test_what_no_interval_can_be_given_for() -> None:
    """As many coefficients as times, and an outcome that is exactly a step."""
    _, matrix = example()
    with pytest.raises(StudyError, match="2 times can't tell 2 coefficients"):
        fit_autoregressive(POSITIONS[5:7], np.array([1.0, 2.0]), matrix[5:7])
    with pytest.raises(StudyError, match="leaves nothing over"):
        fit_autoregressive(POSITIONS, 3 * matrix[:, 0] + 2, matrix)
