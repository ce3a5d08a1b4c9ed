"""Comparison units weighed by facts about them, each counting as much as it tells of the outcomes before the change.

For importances of the facts, each fact divided by its spread, a group's weights are those on the simplex with the
smallest sum of importances times squared differences in the facts. The importances taken are those whose weights
follow the group's outcomes before the change most closely (Abadie and Gardeazabal 2003,
doi:10.1257/000282803321455188; Abadie, Diamond and Hainmueller 2010, doi:10.1198/jasa.2009.ap08746).

That search has many local ends. It is Nelder and Mead's (1965, doi:10.1093/comjnl/7.4.308) from even importances, as in
the authors' package Synth, so that published weights come out; other starts may fit the outcomes better (for the Basque
Country twice as well: `tests/lab/weights/test_predictors.py`). An optimum that hangs on its start is a reason to prefer
weights on all outcomes before the change, which have one.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.panel import Flags, Floats
from passerelle.lab.weights.simplex import Progress, solve_simplex
from passerelle.lab.weights.synthetic import barred

_TIE_BREAK = 1e-8
"""Of the mean square, added to the Gram matrix of the facts: fewer facts than units leave weights undecided."""


def weigh_by_facts(
    facts: Floats,
    outcomes: Floats,
    shares: Floats,
    progress: Progress | None = None,
    without: Flags | None = None,
) -> Floats:
    """Weights for each group of `shares`, from a row of facts and of outcomes before the change for each unit."""
    found, closed = np.empty(shares.shape), barred(shares, without)
    for group, share in enumerate(shares.T):
        importances = find_importances(facts, outcomes, share, closed[:, group])
        found[:, group] = weigh_with(importances, facts, share, closed[:, group])
        if progress is not None:
            progress(group + 1, shares.shape[1])
    return found


def find_importances(facts: Floats, outcomes: Floats, share: Floats, closed: Flags | None = None) -> Floats:
    """The facts' importances, which sum to one, from which the search finds none whose weights follow more closely."""
    from scipy.optimize import minimize

    gaps = outcomes - share @ outcomes
    products = gaps @ gaps.T / outcomes.shape[1]

    def misfit(given: Floats) -> float:
        weights = weigh_with(_share_out(given), facts, share, closed)
        return float(weights @ products @ weights)

    count = facts.shape[1]
    # A search that is stopped by its limit of steps is where it is: the end is local anyway.
    return _share_out(minimize(misfit, np.full(count, 1 / count), method="Nelder-Mead", options={"maxiter": 1000}).x)


def weigh_with(importances: Floats, facts: Floats, share: Floats, closed: Flags | None = None) -> Floats:
    """The group's weights under given importances of the facts; none where `closed`, or in the group."""
    spread = facts.std(axis=0, ddof=1)
    apart = (facts - share @ facts) / np.where(spread > 0, spread, 1.0)
    gram = (apart * importances) @ apart.T
    gram.flat[:: len(gram) + 1] += _TIE_BREAK * float(gram.diagonal().mean())
    return solve_simplex(gram, np.zeros(len(gram)), share > 0 if closed is None else closed)


def _share_out(given: Floats) -> Floats:
    sizes = np.abs(given)
    return np.asarray(sizes / sizes.sum())
