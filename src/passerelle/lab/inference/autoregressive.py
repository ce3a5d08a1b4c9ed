"""Least squares where what the regressors leave over at one time resembles what they leave over at the time before.

The errors are an AR(1) whose correlation is not known. Estimating it and going on as if it were known gives intervals
that are too narrow with a few dozen times. Here the fit is made for each correlation of a grid, and the fits are
weighed by their restricted likelihood times a flat prior on the correlation: coefficients then follow a mixture of
Student's t (Zellner and Tiao 1964, Journal of the American Statistical Association 59), whose quantiles bound them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.model.errors import StudyError

CORRELATIONS = np.linspace(-0.5, 0.99, 150)
"""The correlations from one time to the next that errors may have; above the last a level is no more a level."""

_NEGLIGIBLE = 1e-9
"""Fits of less weight than this are left out."""

_WIDEST = 100.0
"""No quantile of the mixture lies so many times further out than one of the same t with the mixture's error."""

_CONSTANT = 1e-26
"""Residuals whose squares are this small beside the outcomes' are rounding (`spread.NOTHING` squared)."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """For each correlation kept: its weight, the coefficients, and their covariances (correlation x k x k)."""

    weights: Floats
    coefficients: Floats
    covariances: Floats
    correlation: float
    degrees: int

    def estimate(self, contrast: Floats) -> tuple[float, float]:
        """The mean of the coefficients' sum weighed by `contrast`, and its standard error over the mixture."""
        centres, errors = self._mixed(contrast)
        centre = float(self.weights @ centres)
        return centre, float(np.sqrt(self.weights @ (errors**2 + (centres - centre) ** 2)))

    def interval(self, contrast: Floats, level: float) -> tuple[float, float]:
        """The mixture's quantiles that leave half of 1 - `level` on either side."""
        # Loaded on first use: a node that runs no study shouldn't wait for it.
        from scipy import optimize, special

        centre, se = self.estimate(contrast)
        centres, errors = self._mixed(contrast)
        # In standard errors of the mixture, so that the tolerance fits outcomes of any size.
        centres, errors = (centres - centre) / se, errors / se
        reach = _WIDEST * float(special.stdtrit(self.degrees, (1 + level) / 2))

        def too_far(end: float, share: float) -> float:
            return float(self.weights @ special.stdtr(self.degrees, (end - centres) / errors)) - share

        low, high = (
            float(optimize.brentq(too_far, -reach, reach, args=(share,)))
            for share in ((1 - level) / 2, (1 + level) / 2)
        )
        return centre + low * se, centre + high * se

    def p_value(self, contrast: Floats) -> float:
        """Twice the smaller share of the mixture on one side of zero."""
        from scipy import special

        centres, errors = self._mixed(contrast)
        below = float(self.weights @ special.stdtr(self.degrees, -centres / errors))
        return 2 * min(below, 1 - below)

    def _mixed(self, contrast: Floats) -> tuple[Floats, Floats]:
        return self.coefficients @ contrast, np.sqrt((self.covariances @ contrast) @ contrast)


def fit_autoregressive(positions: Floats, outcome: Floats, matrix: Floats) -> Fit:
    """The fit of `outcome` on the columns of `matrix`, of full rank; `positions` are whole numbers and ascend.

    Errors that lie n positions apart have the correlation rho^n, so that gaps are gaps.
    """
    count, columns = matrix.shape
    degrees = count - columns
    if degrees < 1:
        raise StudyError(f"{count} times can't tell {columns} coefficients and an error apart", where="times")
    rho = CORRELATIONS[:, None]
    carried = np.sign(rho) ** np.diff(positions) * np.abs(rho) ** np.diff(positions)
    fresh = (1 - carried**2) / (1 - rho**2)
    data = np.column_stack([matrix, outcome])
    white = np.empty((len(rho), count, columns + 1))
    white[:, 0] = np.sqrt(1 - rho**2) * data[0]
    white[:, 1:] = (data[1:] - carried[:, :, None] * data[:-1]) / np.sqrt(fresh)[:, :, None]
    gram = white.transpose(0, 2, 1) @ white
    inverse = np.linalg.inv(gram[:, :columns, :columns])
    across = gram[:, :columns, columns]
    coefficients = np.einsum("gij,gj->gi", inverse, across)
    squares = gram[:, columns, columns] - np.einsum("gi,gi->g", across, coefficients)
    if (squares <= _CONSTANT * gram[:, columns, columns]).any():
        raise StudyError("the fit leaves nothing over, so that no interval can be given", where="data")
    likelihood = (
        0.5 * np.log(1 - rho[:, 0] ** 2)
        - 0.5 * np.log(fresh).sum(axis=1)
        + 0.5 * np.linalg.slogdet(inverse)[1]
        - 0.5 * degrees * np.log(squares)
    )
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    correlation = float(weights @ CORRELATIONS)
    kept = weights > _NEGLIGIBLE
    covariances = inverse[kept] * (squares[kept] / degrees)[:, None, None]
    return Fit(weights[kept] / weights[kept].sum(), coefficients[kept], covariances, correlation, degrees)
