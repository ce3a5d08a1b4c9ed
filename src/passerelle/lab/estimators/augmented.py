"""Augmented synthetic control: the weighed comparison, counted from each unit's own level, mended where it fits badly.

Estimand: as of `synthetic_control`. Outcomes are counted from each unit's mean before the change (a unit fixed effect,
so that a treated unit larger than all others can be compared), weights on the simplex are found on those, and what gap
is left before the change is made smaller by a ridge regression, which may give weights below zero (Ben-Michael, Feller
and Rothstein 2021, doi:10.1080/01621459.2021.1929245). How far it may go is decided by leaving out ten stretches of
the times before: the largest penalty whose error is within one standard error of the smallest, an infinite one (no
mending) among them.

Assumptions and inference: as of `synthetic_control`, but of outcomes from their level on. The placebos take the real
group's penalty.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.weights.simplex import Progress
from passerelle.lab.weights.synthetic import (
    Contrast,
    Contrasts,
    Setting,
    barred,
    gram_of,
    read_setting,
    weigh_on_simplex,
)
from passerelle.lab.weights.synthetic_result import Method, judge_groups

METHOD = "asc"
ASSUMPTIONS = ("same_mixture_of_moves", "no_spillover")

_FOLDS = 10
_PENALTIES = 10.0 ** -np.arange(0, 8.1, 0.4)
"""As parts of the largest eigenvalue of the outcomes' Gram matrix: the grid of the authors' package augsynth."""


def estimate_asc(panel: Panel, question: Question, progress: Progress | None = None) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    setting = read_setting(panel, question, METHOD)
    return judge_groups(panel, question, setting, choose_asc(panel, setting), Method(METHOD, ASSUMPTIONS), progress)


def choose_asc(_panel: Panel, setting: Setting) -> Contrast:
    """Mended by the penalty that follows from the setting."""
    return partial(contrast_asc, penalty=choose_penalty(setting))


def contrast_asc(
    setting: Setting,
    shares: Floats,
    progress: Progress | None = None,
    *,
    penalty: float = np.inf,
    without: Flags | None = None,
) -> Contrasts:
    """Weights on the simplex of outcomes from their level on, mended as far as `penalty` lets."""
    level = setting.before.mean(axis=1, keepdims=True)
    before = setting.before - level
    weights = weigh_on_simplex(before, shares, progress, without=without)
    if np.isfinite(penalty):
        weights = weights + _mend(gram_of(before), shares, weights, np.array([penalty]), without)[0]
    return Contrasts(shares - weights, level)


def choose_penalty(setting: Setting) -> float:
    """The ridge penalty, beside the Gram matrix' largest eigenvalue; infinite where mending doesn't help."""
    times = setting.before.shape[1]
    shares = setting.shares
    errors = []
    for fold in np.array_split(np.arange(times), min(_FOLDS, times // 2)):
        kept = np.delete(setting.before, fold, axis=1)
        level = kept.mean(axis=1, keepdims=True)
        weights = weigh_on_simplex(kept - level, shares)
        mended = _mend(gram_of(kept - level), shares, weights, _PENALTIES)
        contrasts = shares - weights - np.concatenate([np.zeros((1, *weights.shape)), mended])
        errors.append((np.einsum("pij,it->pt", contrasts, setting.before[:, fold] - level) ** 2).mean(axis=1))
    mean = np.mean(errors, axis=0)
    best = int(mean.argmin())
    reach = mean[best] + np.std(errors, axis=0, ddof=1)[best] / np.sqrt(len(errors))
    return float([np.inf, *_PENALTIES][int((mean <= reach).argmax())])


def _mend(gram: Floats, shares: Floats, weights: Floats, penalties: Floats, without: Flags | None = None) -> Floats:
    """What is added to each group's weights under each penalty.

    The u with the smallest |gap - Au|² + penalty |u|² that sums to zero and is zero for the group's own units and
    those of `without`.
    """
    from scipy.linalg import eigh

    values, vectors = eigh(gram)
    closed = barred(shares, without)
    rows = np.flatnonzero(closed.any(axis=1))
    count, groups = weights.shape
    found = np.zeros((len(penalties), count, groups))
    if not values[-1] > 0:
        # All units ran parallel: there is no gap to mend.
        return found
    # What the inverse is taken of, for all groups at once: their gaps, each closed unit, and all units alike.
    asked = np.column_stack([gram @ (shares - weights), np.eye(count)[:, rows], np.ones(count)])
    turned = vectors.T @ asked
    for which, penalty in enumerate(penalties):
        solved = vectors @ (turned / (np.maximum(values, 0) + penalty * values[-1])[:, None])
        for group in range(groups):
            own = np.flatnonzero(closed[rows, group])
            free, spread = solved[:, group], solved[:, [*(groups + own), -1]]
            fixed = np.vstack([spread[rows[own]], spread.sum(axis=0)])
            held = np.append(free[rows[own]], free.sum())
            found[which, :, group] = free - spread @ np.linalg.solve(fixed, held)
    return found
