"""Clusters of units drawn by lot, once.

Estimand: the mean effect on clusters, over the times from the start on. It is the coefficient of having been drawn in
the least-squares fit of clusters' means after the start on their means before (analysis of covariance) and on strata.
Each cluster counts once, however many units or times it has.

Assumptions: lots were drawn as said (`drawn_by_lot`), and clusters not drawn were left alone (`no_spillover`). The
interval holds the effect where it is the same for every cluster; the p value needs no more than the lots.

Inference: the assignments that could have come, all of them up to 10,000 and else a sample (`lots.py`). A p value of
5 % takes twenty that differ. Three of six clusters can be drawn in twenty ways, but each way and its opposite are
equally far from zero, so that the smallest p is 10 %; three of seven are the fewest. With fewer there is no interval.
Reference: Gail, Mark, Carroll, Green and Pee 1996, Statistics in Medicine 15, 1069-1092; Imbens and Rubin 2015,
chapter 5, doi:10.1017/CBO9781139025751.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.inference.lots import infer_from_lots, list_lots, tell_lots
from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError

METHOD = "cluster_randomised"
ASSUMPTIONS = ("drawn_by_lot", "no_spillover")

FEWEST_LEFT = 2
"""Clusters beyond the coefficients that an adjustment for the means before needs, else it is left out."""


def estimate_cluster_randomised(panel: Panel, question: Question) -> Result:
    """The effect of having been drawn, with the interval of the lots; no checks run yet."""
    if len(panel.starts) != 1:
        raise StudyError(
            f"the change began at {len(panel.starts)} times; lots drawn among clusters once have one", where="method"
        )
    start = float(panel.starts[0])
    names, member = np.unique(panel.clusters, return_inverse=True)
    drawn = _per_cluster(panel.treated.astype(np.intp), member, "was drawn in part", "cluster")
    units = np.arange(len(panel.units)) if panel.strata is None else panel.strata
    strata = np.zeros(len(names), dtype=np.intp)
    if panel.strata is not None:
        strata = _per_cluster(units, member, "lies in two strata", "strata")
    lots = list_lots(drawn == 1, strata, question.seed)
    after = _means(panel, panel.times >= start, member)
    if np.isnan(after).any():
        raise StudyError("a cluster has no outcome after the start", where="outcomes")
    matrix = (strata[:, None] == np.unique(strata)).astype(float)
    before = _means(panel, panel.times < start - question.anticipation, member)
    varies = not np.isnan(before).any() and np.ptp(before) > 0
    if varies and len(names) - matrix.shape[1] - 2 >= FEWEST_LEFT:
        matrix = np.column_stack([matrix, before])
    found = infer_from_lots(after, matrix, lots, question.level)
    counts = len(names), int(drawn.sum()), len(panel.times)
    return tell_lots(found, METHOD, ASSUMPTIONS, question.level, counts)


def _per_cluster(values: Indices, member: Indices, told: str, where: str) -> Indices:
    """Each cluster's one value of its units'."""
    first = np.zeros(member.max() + 1, dtype=np.intp)
    first[member[::-1]] = values[::-1]
    if (first[member] != values).any():
        raise StudyError(f"a cluster {told}", where=where)
    return first


def _means(panel: Panel, columns: Flags, member: Indices) -> Floats:
    """The mean of each cluster's unit means over the times seen; NaN where a unit has none."""
    seen = ~np.isnan(panel.outcomes[:, columns])
    totals, counts = np.where(seen, panel.outcomes[:, columns], 0.0).sum(axis=1), seen.sum(axis=1)
    units = np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return np.asarray(np.bincount(member, units) / np.bincount(member))
