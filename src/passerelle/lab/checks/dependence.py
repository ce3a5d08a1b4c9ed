"""Could refute: an interval from blocks that are not nearly independent, since neighbouring times are alike."""

from __future__ import annotations

import numpy as np

from passerelle.lab.estimators.did_blocks import design_matrix, fit_did
from passerelle.lab.paired import Paired
from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Outcome

NAME = "dependence"
LARGEST_CORRELATION = 0.6
"""Up to here the interval's coverage was measured to reach its level (the table in `docs/lab.md`)."""

_GRID = np.linspace(-0.95, 0.95, 191)


def check_dependence(data: Paired) -> Check:
    """Failed where each time resembles the one before more than in the range the interval was tried out in.

    `numbers` also give the Newey-West error with the bandwidth floor(4 (T/100)^(2/9)), for comparison.
    """
    # Loaded on first use, see `estimate_did`.
    from statsmodels.regression.linear_model import OLS

    matrix = design_matrix(data)
    correlation = estimate_correlation(data.difference - matrix @ fit_did(data), matrix)
    bandwidth = int(4 * (len(data.times) / 100) ** (2 / 9))
    options = {"maxlags": bandwidth, "use_correction": True}
    newey_west = OLS(data.difference, matrix).fit(cov_type="HAC", cov_kwds=options)
    numbers = {
        "correlation": correlation,
        "largest": LARGEST_CORRELATION,
        "newey_west_se": float(newey_west.bse[1]),
        "bandwidth": float(bandwidth),
    }
    if correlation > LARGEST_CORRELATION:
        return Check(NAME, Outcome.FAILED, "too_dependent", numbers)
    return Check(NAME, Outcome.PASSED, "within_range", numbers)


def estimate_correlation(residuals: Floats, matrix: Floats) -> float:
    """The correlation from one time to the next, within ±0.95, of errors that leave such residuals on average.

    Residuals are less alike than the errors they come from, since the fit took a part of them: for each correlation
    rho the expected ratio tr(J M V M) / tr(M V M), with V = rho^|i-j|, M the residual maker and J the mean of the
    two neighbours' shifts, is compared with the ratio found.
    """
    count = len(residuals)
    maker = np.eye(count) - matrix @ np.linalg.pinv(matrix)
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    neighbours = maker @ ((apart == 1) / 2) @ maker
    # M is idempotent, so both traces are sums of products with V, hence polynomials in rho by distance.
    powers = _GRID[:, None] ** np.arange(count)
    covariance, variance = (powers @ np.bincount(apart.ravel(), one.ravel()) for one in (neighbours, maker))
    expected = np.maximum.accumulate(covariance / variance)
    found = residuals[1:] @ residuals[:-1] / (residuals @ residuals)
    return float(np.interp(found, expected, _GRID))
