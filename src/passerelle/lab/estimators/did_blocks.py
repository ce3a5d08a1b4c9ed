"""Difference in differences of two groups seen at the same times.

The effect is the mean of treated minus comparison after the change, less its mean before, with
calendar effects taken out by least squares (statsmodels' OLS of the difference on an `after` dummy
and the covariates).

Assumptions: without the change the difference would have kept its mean (`parallel`); the change
left the comparison alone (`no_spillover`); nothing else that moved one group and not the other
came with it (`nothing_else`); dependence between times dies out within a block (`short_memory`).

Inference: two groups give one difference a time, and times next to each other are alike, so that a
cluster-robust error has nothing to count and a Newey-West one is too small at this length (see
`docs/lab.md` for the measured coverage). Each side is cut into `BLOCKS` consecutive blocks; the
two sets of block means are compared by the two-sample t statistic with the smaller side's degrees
of freedom (Ibragimov and Müller, 2010, doi:10.1198/jbes.2009.08046, and 2016,
doi:10.1162/REST_a_00545). No bandwidth is chosen and the variance may differ before and after.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.paired import Paired
from passerelle.lab.panel import Floats
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError

METHOD = "did_blocks"
ASSUMPTIONS = ("parallel", "no_spillover", "nothing_else", "short_memory")
BLOCKS = 4
"""Blocks on each side. Four keep three degrees of freedom and blocks of three days in a two-week window."""

FEWEST_TIMES = BLOCKS
"""The fewest times on either side that can be estimated from; `checks/too_few_units.py` asks for more."""

_NOTHING = 1e-12
"""A standard error this small beside the numbers themselves is rounding."""


def estimate_did(data: Paired, level: float = 0.95) -> Result:
    """The effect on the treated group, its standard error, interval and p value; no checks run yet."""
    # Loaded on first use, like statsmodels below: a node that runs no study shouldn't wait seconds for them.
    from scipy import special

    sides = (int((~data.after).sum()), int(data.after.sum()))
    if min(sides) < FEWEST_TIMES:
        raise StudyError(
            f"{sides[0]} times before and {sides[1]} after the change; at least {FEWEST_TIMES} on each side are needed",
            where="windows",
        )
    coefficients = fit_did(data)
    adjusted = data.difference - data.covariates @ coefficients[2:]
    variances = [
        float(np.var([block.mean() for block in np.array_split(adjusted[side], BLOCKS)], ddof=1)) / BLOCKS
        for side in (~data.after, data.after)
    ]
    effect, se = float(coefficients[1]), float(np.sqrt(sum(variances)))
    if se <= _NOTHING * np.abs(data.difference).max():
        raise StudyError(
            "the difference of the two groups never varies, so that no interval can be given", where="data"
        )
    degrees = BLOCKS - 1
    half_width = float(special.stdtrit(degrees, (1 + level) / 2)) * se
    return Result(
        effect=effect,
        se=se,
        interval=(effect - half_width, effect + half_width),
        level=level,
        p_value=float(2 * special.stdtr(degrees, -abs(effect) / se)),
        n_units=2,
        n_times=len(data.times),
        method=METHOD,
        assumptions=ASSUMPTIONS,
        inference="blocks",
    )


def design_matrix(data: Paired) -> Floats:
    """A column of ones, the `after` dummy, then the covariates."""
    return np.column_stack([np.ones(len(data.times)), data.after.astype(float), data.covariates])


def fit_did(data: Paired) -> Floats:
    """The least-squares coefficients: level before, effect, then one for each covariate."""
    from statsmodels.regression.linear_model import OLS

    matrix = design_matrix(data)
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise StudyError("the change can't be told from the calendar in these windows", where="windows")
    return np.asarray(OLS(data.difference, matrix).fit().params)
