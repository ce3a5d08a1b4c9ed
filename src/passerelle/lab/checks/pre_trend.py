"""Could refute: an effect that is the continuation of a drift that began before the change."""

from __future__ import annotations

import numpy as np

from passerelle.lab.paired import Paired
from passerelle.lab.result import Check, Outcome, Result

NAME = "pre_trend"


def check_pre_trend(data: Paired, result: Result) -> Check:
    """Failed where the difference drifted before the change, in the effect's direction and beyond chance.

    Passed only where the drift may be zero. A drift the other way, carried on, can't have made the effect, so it does
    not refute it; but the two groups did not run parallel, so it confirms nothing either: not applicable.

    The drift is the slope over the times before the change, carried from the middle of the window before to
    the middle of the one after. A short window sees only a steep drift: `numbers` give the drift's interval.
    """
    # Loaded on first use, see `estimate_did`.
    from scipy import special
    from statsmodels.regression.linear_model import OLS

    before = ~data.after
    times = data.times[before]
    distance = float(data.times[data.after].mean() - times.mean())
    matrix = np.column_stack([np.ones(len(times)), times - times.mean(), data.covariates[before]])
    fitted = OLS(data.difference[before], matrix).fit(
        cov_type="HAC", cov_kwds={"maxlags": int(4 * (len(times) / 100) ** (2 / 9)), "use_correction": True}, use_t=True
    )
    drift = float(fitted.params[1]) * distance
    half_width = float(special.stdtrit(fitted.df_resid, (1 + result.level) / 2) * fitted.bse[1]) * abs(distance)
    numbers = {"drift": drift, "low": drift - half_width, "high": drift + half_width}
    if abs(drift) <= half_width:
        return Check(NAME, Outcome.PASSED, "no_drift", numbers)
    if np.sign(drift) != np.sign(result.effect):
        return Check(NAME, Outcome.NOT_APPLICABLE, "opposite_drift", numbers)
    return Check(NAME, Outcome.FAILED, "drift", numbers)
