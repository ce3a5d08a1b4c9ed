"""Could refute: an effect that is the continuation of a drift that began before the change."""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import CHANCE, Case, Claim
from passerelle.lab.inference.aligned import Aligned
from passerelle.lab.paired import Paired
from passerelle.lab.result import Check, Outcome, Result

NAME = "pre_trend"
_FEWEST_TIMES = 3


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


def check_drift(case: Case) -> Check:
    """The same question of a panel, from how units' slopes before the change differ; and how far it would carry.

    `breakdown` is how many times the largest step between neighbouring times before (the last without the change
    included) each step after may depart from parallel before the interval reaches zero: relative magnitudes, Rambachan
    and Roth 2023, doi:10.1093/restud/rdad018, with the estimated largest step, as diff-diff's `HonestDiD` has it. It
    is told, and blocks nothing: the largest of many noisy steps is large in the best of panels.
    """
    aligned, result = case.aligned, case.result
    if aligned is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_comparison")
    times = int(aligned.before.sum())
    if times < _FEWEST_TIMES:
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_short", {"times": float(times)})
    slope = aligned.slope(aligned.before)
    if not slope.testable:
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few_groups")
    distance = float(aligned.since[aligned.after].mean() - aligned.since[aligned.before].mean())
    drift, half_width = slope.effect * distance, slope.half_width(1 - CHANCE) * distance
    numbers = {"drift": drift, "low": drift - half_width, "high": drift + half_width, "times": float(times)}
    numbers["breakdown"] = find_breakdown(aligned, result)
    if abs(drift) > half_width:
        if np.sign(drift) == np.sign(result.effect):
            return Check(NAME, Outcome.FAILED, "drift", numbers)
        return Check(NAME, Outcome.NOT_APPLICABLE, "opposite_drift", numbers)
    claimed = case.claim is Claim.EFFECT
    if half_width > abs(result.effect):
        return Check(NAME, Outcome.NOT_APPLICABLE, "blind" if claimed else "might_hide", numbers)
    return Check(NAME, Outcome.PASSED, "parallel" if claimed else "no_drift", numbers)


def find_breakdown(aligned: Aligned, result: Result) -> float:
    """The relative magnitude at which the effect's interval reaches zero; infinite where nothing moved before."""
    gap, end = aligned.gap(), aligned.ready
    before = gap[aligned.since < end]
    before = before[~np.isnan(before)]
    largest = float(np.abs(np.diff(before)).max())
    low, high = result.interval
    room = max(low, -high, 0.0)
    # The mean over the times after of a departure that grows by one step at each.
    reach = float((aligned.since[aligned.after] - end + 1).mean())
    return room / (largest * reach) if largest > 0 else np.inf
