"""Two-way fixed effects: least squares with an effect for each unit and each time.

Estimand: a weighted mean of the effects on treated units at their times, whose weights least squares chooses. Where the
change began at several times, units that already had it serve as comparison, and some weights are below zero: were the
effect to grow, or to differ between groups, the coefficient can have the sign that no unit's effect has (Goodman-Bacon
2021, doi:10.1016/j.jeconom.2021.03.014; de Chaisemartin and D'Haultfœuille 2020, doi:10.1257/aer.20181169). The check
`negative_weights` says how much weight that is. The method is here because people ask for it; nothing chooses it.

Assumptions: without the change all units would have moved in parallel (`parallel_units`), the change left those that
did not have it alone (`no_spillover`), and its effect is the same for all and for ever (`same_effect`). Times of
anticipation are left out of the units that had the change.

Inference: cluster-robust with the small-sample factors G/(G-1) and (N-1)/(N-K), K without the unit effects, and t with
G-1 degrees of freedom (Cameron and Miller 2015, doi:10.3368/jhr.50.2.317). With few clusters on a side, or
few treated, it is too sure: `did`, `cs` and the synthetic controls have inferences for that.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.checks.negative_weights import check_negative_weights
from passerelle.lab.inference.two_way import fit_two_way
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError

METHOD = "twfe"
ASSUMPTIONS = ("parallel_units", "no_spillover", "same_effect")

FEWEST = 5
"""Clusters with and without the change below which this error means nothing: as `did.FEW`."""


def estimate_twfe(panel: Panel, question: Question) -> Result:
    """The coefficient of having the change, with its interval."""
    from scipy import special

    treated, others = (len(np.unique(panel.clusters[side])) for side in (panel.treated, ~panel.treated))
    panel = _without_anticipation(panel, question.anticipation)
    had = panel.times[None, :] >= panel.first[:, None]
    fit = fit_two_way(panel, had.astype(float))
    groups = np.unique(panel.clusters, return_inverse=True)[1]
    sums = np.bincount(groups, fit.scores)
    clusters, cells = len(sums), int((~np.isnan(panel.outcomes)).sum())
    known = len(panel.times) * (1 + panel.traits.shape[1])
    if clusters < 2 or cells <= known + 1:
        raise StudyError(f"{clusters} clusters and {cells} cells have no spread to measure", where="cluster")
    factor = clusters / (clusters - 1) * (cells - 1) / (cells - known - 1)
    se = float(np.sqrt(factor * (sums**2).sum()))
    enough = min(treated, others if len(panel.starts) == 1 else clusters) >= FEWEST
    half_width = float(special.stdtrit(clusters - 1, (1 + question.level) / 2)) * se if enough else np.inf
    result = Result(
        effect=fit.effect,
        se=se,
        interval=(fit.effect - half_width, fit.effect + half_width),
        level=question.level,
        p_value=float(2 * special.stdtr(clusters - 1, -abs(fit.effect) / se)) if enough and se > 0 else 1.0,
        n_units=len(panel.units),
        n_times=len(panel.times),
        n_treated=int(panel.treated.sum()),
        method=METHOD,
        assumptions=ASSUMPTIONS,
        inference="cluster_scores" if enough else "too_few_clusters",
        smallest_p=0.0 if enough else 1.0,
    )
    return result.with_checks(check_negative_weights(fit.weights[had]))


def _without_anticipation(panel: Panel, times: int) -> Panel:
    """The panel without each treated unit's last times before the change, in which it may have reacted already."""
    if not times:
        return panel
    since = np.arange(len(panel.times)) - np.searchsorted(panel.times, panel.first)[:, None]
    felt = (since < 0) & (since >= -times) & panel.treated[:, None]
    return panel.with_outcomes(np.where(felt, np.nan, panel.outcomes))
