"""Difference in differences of units of which some had a change, all of them from the same time.

Estimand: the mean effect on the treated units over the times from the change on. It is the coefficient of "treated, and
after" in the least-squares fit with an effect for each unit and each time; where no cell is absent that is the treated
units' mean change less the comparison units'.

Assumptions: without the change the treated would have changed as the comparison did (`parallel_units`), which the
change left alone (`no_spillover`).

Inference: a cluster's mean change is one number, however many times it was seen, so that dependence in time costs
nothing.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.panel import Flags, Indices, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.two_way import fit_two_way
from passerelle.model.errors import StudyError

METHOD = "did"
ASSUMPTIONS = ("parallel_units", "no_spillover")


def estimate_did(panel: Panel, question: Question) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    from scipy import special

    if len(panel.starts) != 1:
        raise StudyError(
            f"the change began at {len(panel.starts)} times; difference in differences needs one, and cs takes several",
            where="method",
        )
    treated = panel.treated
    if treated.all():
        raise StudyError("every unit had the change, so that there is nothing to compare with", where="treated")
    after = panel.times >= panel.starts[0]
    fit = fit_two_way(panel, [np.outer(treated, after).astype(float)])
    variances, degrees = zip(*(_side(fit.scores, panel.clusters, side) for side in (treated, ~treated)), strict=True)
    variance = sum(variances)
    df = variance**2 / sum(v**2 / d for v, d in zip(variances, degrees, strict=True))
    se = float(np.sqrt(variance))
    half_width = float(special.stdtrit(df, (1 + question.level) / 2)) * se
    return Result(
        effect=fit.effect,
        se=se,
        interval=(fit.effect - half_width, fit.effect + half_width),
        level=question.level,
        p_value=float(2 * special.stdtr(df, -abs(fit.effect) / se)),
        n_units=len(panel.units),
        n_times=len(panel.times),
        n_treated=int(treated.sum()),
        method=METHOD,
        assumptions=ASSUMPTIONS,
        inference="clusters",
    )


def _side(scores: np.ndarray, clusters: Indices, side: Flags) -> tuple[float, float]:
    groups, sizes = np.unique(clusters[side], return_counts=True)
    sums = np.bincount(np.searchsorted(groups, clusters[side]), scores[side])
    if len(sums) < 2:
        raise StudyError("one cluster on a side of the comparison has no spread", where="cluster")
    return float((sums**2 / (1 - sizes / sizes.sum())).sum()), float(sizes.sum() ** 2 / (sizes**2).sum() - 1)
