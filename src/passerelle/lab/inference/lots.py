"""Inference from the lots that were drawn: what the effect would have come out as, had they fallen otherwise.

Nothing is assumed of the outcomes, neither of their distribution nor that cells are independent: only that every
assignment listed could have come as well as the one that did (Fisher 1935). The interval holds every effect, the same
for all, that this test doesn't reject; it is exact, and infinite where there are too few assignments for its level.
Reference: Imbens and Rubin 2015, Causal Inference for Statistics, chapter 5, doi:10.1017/CBO9781139025751.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np

from passerelle.lab.panel import Flags, Floats, Indices
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError

MOST_LISTED = 10_000
"""Up to so many assignments all are listed; of more, so many are drawn with the seed, less the one that came."""

_TIE = 1e-9
"""Two statistics this near each other, beside the larger, are the same: a tie counts against the effect."""


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """Assignments that could have come, a row each, the one that came first; `total` is how many there are in all."""

    rows: Flags
    total: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """The effect, its spread over assignments, interval and p value, and the smallest p these lots could have given."""

    effect: float
    se: float
    interval: tuple[float, float]
    p_value: float
    smallest_p: float


def list_lots(came: Flags, strata: Indices, seed: int) -> Lots:
    """Every way to give as many cells of each stratum the change as had it; a sample where they are too many."""
    groups = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    counts = [int(came[group].sum()) for group in groups]
    total = prod(comb(len(group), count) for group, count in zip(groups, counts, strict=True))
    if total < 2:
        raise StudyError("lots could have fallen in one way only, so that they tell nothing", where="treated")
    if total <= MOST_LISTED:
        rows = _all_rows(len(came), groups, counts)
        others = rows[(rows != came).any(axis=1)]
    else:
        random = np.random.default_rng(seed)
        others = np.zeros((MOST_LISTED - 1, len(came)), dtype=bool)
        for group, count in zip(groups, counts, strict=True):
            order = np.argsort(random.random((len(others), len(group))), axis=1)
            others[:, group] = order < count
    return Lots(np.vstack([came, others]), total)


def _all_rows(cells: int, groups: list[Indices], counts: list[int]) -> Flags:
    ways = [np.array(list(combinations(group, count))) for group, count in zip(groups, counts, strict=True)]
    picks = np.unravel_index(np.arange(prod(map(len, ways))), [len(one) for one in ways])
    rows = np.zeros((len(picks[0]), cells), dtype=bool)
    for way, pick in zip(ways, picks, strict=True):
        if way.size:
            np.put_along_axis(rows, way[pick], values=True, axis=1)
    return rows


def infer_from_lots(outcome: Floats, matrix: Floats, lots: Lots, level: float) -> Drawn:
    """The least-squares coefficient of having the change beside the columns of `matrix`, and what lots say of it.

    An assignment W is as far from zero as its partial correlation with the outcome, which orders assignments as their t
    statistics do, in units in which the one that came has its coefficient. Once an effect t is taken off those that had
    the change, this is a - t b: a of the outcome, b of the assignment that came, and |b| is 1 for it and its opposite
    alone. W counts against t where it is at least as far from zero: for t between two ends around the effect.
    """
    basis = _span(matrix)
    left = lots.rows - (lots.rows @ basis) @ basis.T
    lengths = np.linalg.norm(left, axis=1)
    told = lengths > _TIE * np.sqrt(lots.rows.shape[1])
    if not told[0]:
        raise StudyError("the change can't be told from what it is adjusted for", where="treated")
    # An assignment that says nothing beside the adjustment is at zero, whatever the effect.
    left = np.where(told, 1 / np.where(told, lengths, 1.0), 0.0)[:, None] * left / lengths[0]
    a, b = left @ outcome, left @ lots.rows[0].astype(float)
    effect = float(a[0])
    low, high = _ends(a, b, effect)
    count = int((1 - level) * len(a) + _TIE)
    ends = float(np.sort(low)[count]), float(np.sort(high)[::-1][count])
    return Drawn(
        effect=effect,
        se=float(np.std(a - effect * b)),
        interval=ends,
        p_value=float((np.abs(a) >= abs(effect) * (1 - _TIE)).mean()),
        smallest_p=float((np.abs(b) >= 1 - _TIE).mean()),
    )


def tell_lots(
    drawn: Drawn, method: str, assumptions: tuple[str, ...], level: float, counts: tuple[int, int, int]
) -> Result:
    """The result of a trial; `counts` are its units, those of them that had the change, and its times."""
    units, treated, times = counts
    return Result(
        effect=drawn.effect,
        se=drawn.se,
        interval=drawn.interval,
        level=level,
        p_value=drawn.p_value,
        smallest_p=drawn.smallest_p,
        n_units=units,
        n_treated=treated,
        n_times=times,
        method=method,
        assumptions=assumptions,
        inference="lots",
    )


def _span(matrix: Floats) -> Floats:
    """Orthonormal columns that span those of `matrix`, which may say the same thing twice."""
    lengths = np.linalg.norm(matrix, axis=0)
    left, sizes, _ = np.linalg.svd(matrix[:, lengths > 0] / lengths[lengths > 0], full_matrices=False)
    return np.asarray(left[:, sizes > _TIE * sizes[0]])


def _ends(a: Floats, b: Floats, effect: float) -> tuple[Floats, Floats]:
    """Between which effects each assignment's statistic is at least as far from zero as the one that came.

    |a - t b| >= |effect - t| holds at t = effect and up to the two roots on either side, or everywhere where |b| is 1.
    """
    inside = np.abs(b) < 1 - _TIE
    safe = np.where(inside, b, 0.0)
    roots = np.sort([(effect - a) / (1 - safe), (effect + a) / (1 + safe)], axis=0)
    return np.where(inside, roots[0], -np.inf), np.where(inside, roots[1], np.inf)
