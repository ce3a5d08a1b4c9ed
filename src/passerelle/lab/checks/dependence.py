"""Could refute: an interval from blocks that are not nearly independent, since neighbouring times are alike."""

from __future__ import annotations

import numpy as np

from passerelle.lab.estimators.did import design_matrix, fit_did
from passerelle.lab.paired import Paired
from passerelle.lab.result import Check, Outcome

NAME = "dependence"
LARGEST_CORRELATION = 0.6
"""Up to here the interval's coverage was measured to reach its level (the table in `docs/lab.md`)."""


def check_dependence(data: Paired) -> Check:
    """Failed where the residuals' correlation from one time to the next, bias taken out, is above the measured range.

    `numbers` also give the Newey-West error with the bandwidth floor(4 (T/100)^(2/9)), for comparison.
    """
    from statsmodels.regression.linear_model import OLS  # two seconds to load, see `fit_did`

    count = len(data.times)
    matrix = design_matrix(data)
    residuals = data.difference - matrix @ fit_did(data)
    raw = float(residuals[1:] @ residuals[:-1] / (residuals @ residuals))
    # First-order bias of a residual autocorrelation: one part from the mean of each regressor, one from the lag.
    correlation = raw + (matrix.shape[1] - 1 + 1 + 3 * raw) / count
    bandwidth = int(4 * (count / 100) ** (2 / 9))
    options = {"maxlags": bandwidth, "use_correction": True}
    newey_west = OLS(data.difference, matrix).fit(cov_type="HAC", cov_kwds=options)
    numbers = {
        "correlation": float(np.clip(correlation, -1, 1)),
        "largest": LARGEST_CORRELATION,
        "newey_west_se": float(newey_west.bse[1]),
        "bandwidth": float(bandwidth),
    }
    outcome = Outcome.FAILED if correlation > LARGEST_CORRELATION else Outcome.PASSED
    return Check(NAME, outcome, "too_dependent" if outcome is Outcome.FAILED else "within_range", numbers)
