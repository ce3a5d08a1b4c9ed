"""Least squares with weights that are not negative and sum to one: one problem, or many that share a Gram matrix.

A problem is: the w >= 0 with sum 1 that makes w'Gw/2 - t'w smallest, where `gram` G = A'A and `target` t = A'b come
from the columns A and the series b that they are to add up to. One problem is solved by an active-set method (Wolfe
1976, doi:10.1007/BF01580381): exact, after finitely many steps, also where columns depend on each other. Many are
brought near their solutions together, as products of whole matrices, by the accelerated gradient method with restarts
(Beck and Teboulle 2009, doi:10.1137/080716542; O'Donoghue and Candès 2015, doi:10.1007/s10208-013-9150-3), then each
is finished exactly from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passerelle.lab.panel import Flags, Floats, Indices
from passerelle.model.errors import InvalidValueError

Numbers = NDArray[np.floating[Any]]
"""In single or double precision."""

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

_SLACK = 1e-12
"""A condition is met if it fails by less than this, beside the largest numbers that enter it: rounding."""

_AT_ONCE = 256
"""So many problems are brought near their solutions together: four matrices of this width are in memory, and
progress is told between them."""

_FEW, _SMALL = 8, 64
"""So few problems, or problems of so few units, are solved one by one from the start."""

_GRADIENT_STEPS = 60
_CLOSE = 1e-5
"""Where no weight moves more than this in a step, the exact method takes over."""

_BLOCK_MOVES = 12
"""So often may many weights enter or leave at once; that mostly ends sooner, but only single moves are sure to end."""


def solve_simplex(gram: Floats, target: Floats, banned: Flags | None = None, near: Numbers | None = None) -> Floats:
    """The weights, zero where `banned`; `near` is a guess that makes it faster and changes no digit that counts."""
    allowed = np.ones(len(target), bool) if banned is None else ~banned
    if not allowed.any():
        raise InvalidValueError("no unit is left that may have weight", where="banned")
    slack = _SLACK * max(float(gram.diagonal().max()), float(np.abs(target).max()))
    if near is not None:
        found = _move_blocks(gram, target, allowed, near > 0, slack)
        if found is not None:
            return found
        if (near[allowed] > 0).all():
            # Nobody left out is where blocks may begin; single moves would take all but a few out one by one.
            near = None
    return _move_singly(gram, target, allowed, near, slack)


def solve_simplex_many(
    gram: Floats, targets: Floats, banned: Flags | None = None, progress: Progress | None = None
) -> Floats:
    """The weights of each problem as a column: one for each column of `targets`, and of `banned`.

    Problems of one target differ by what is banned, and the first one's weights are a guess of the others'.
    """
    count = targets.shape[1]
    barred = np.zeros(targets.shape, bool) if banned is None else banned
    if barred.all(axis=0).any():
        raise InvalidValueError("no unit is left that may have weight", where="banned")
    weights = np.empty(targets.shape)
    alike = bool((targets == targets[:, :1]).all())
    far = not alike and count > _FEW and len(gram) > _SMALL
    for first in range(0, count, _AT_ONCE):
        part = slice(first, min(first + _AT_ONCE, count))
        near = _descend(gram, targets[:, part], barred[:, part]) if far else None
        for column in range(part.start, part.stop):
            guess = weights[:, 0] if alike and column else None if near is None else near[:, column - first]
            weights[:, column] = solve_simplex(gram, targets[:, column], barred[:, column], guess)
            if progress is not None:
                progress(column + 1, count)
    return weights


def _move_singly(gram: Floats, target: Floats, allowed: Flags, near: Numbers | None, slack: float) -> Floats:
    """Wolfe's method: always feasible, always down; a weight enters alone and leaves when it would turn negative."""
    support = np.flatnonzero(allowed & (near > 0)) if near is not None else np.empty(0, np.intp)
    if not len(support) or _on_support(gram, target, support) is None:
        # The one unit nearest to the series.
        support = np.array([np.argmin(np.where(allowed, gram.diagonal() / 2 - target, np.inf))])
        near = None
    weights = np.zeros(len(target))
    weights[support] = 1 if near is None else near[support] / near[support].sum()
    may_enter = allowed.copy()
    while True:
        best = _on_support(gram, target, support)
        if best is None:
            # The unit that came last adds nothing that the others don't give together.
            may_enter[support[-1]] = False
            weights[support[-1]] = 0
            support = support[:-1]
            continue
        held = weights[support]
        down = best < 0
        if down.any():
            step = float((held[down] / (held[down] - best[down])).min())
            moved = held + step * (best - held)
            kept = ~(down & (moved <= np.finfo(float).eps))
            weights[support] = np.where(kept, np.maximum(moved, 0), 0)
            support = support[kept]
            continue
        weights[support] = best
        slope = np.einsum("i,ij->j", best, gram[support]) - target
        entering = np.where(may_enter, slope, np.inf)
        entering[support] = np.inf
        if entering.min() >= slope[support].mean() - slack:
            return weights
        support = np.append(support, np.argmin(entering))


def _move_blocks(gram: Floats, target: Floats, allowed: Flags, guess: Flags, slack: float) -> Floats | None:
    """The solution, by moving all units at once that stand on the wrong side; None where that does not settle."""
    support = np.flatnonzero(guess & allowed)
    for _ in range(_BLOCK_MOVES):
        best = _on_support(gram, target, support) if len(support) else None
        if best is None:
            return None
        if (best < 0).any():
            support = support[best >= 0]
            continue
        slope = np.einsum("i,ij->j", best, gram[support]) - target
        wrong = allowed & (slope < slope[support].mean() - slack)
        wrong[support] = False
        if not wrong.any():
            weights = np.zeros(len(target))
            weights[support] = best
            return weights
        support = np.union1d(support, np.flatnonzero(wrong))
    return None


def _on_support(gram: Floats, target: Floats, support: Indices) -> Floats | None:
    """The best weights that sum to one, of any sign, on `support`; None where they are not determined."""
    from scipy.linalg import lapack

    part = gram[np.ix_(support, support)]
    # Weights that sum to one are moved by no multiple of ones in the Gram matrix, and that makes it definite
    # where no unit is an average of others.
    size = float(part.diagonal().max())
    part += size if size > 0 else 1.0
    # As good as itself turned, and in the order that is read without a copy.
    factor, failed = lapack.dpotrf(part.T, clean=0, overwrite_a=1)
    if failed or factor.diagonal().min() ** 2 <= _SLACK * size:
        return None
    both, _ = lapack.dpotrs(factor, np.column_stack([target[support], np.ones(len(support))]))
    return np.asarray(both[:, 0] + both[:, 1] * (1 - both[:, 0].sum()) / both[:, 1].sum())


def _descend(gram: Floats, targets: Floats, banned: Flags) -> Numbers:
    """Weights near the solutions, a column a problem; in single precision, since they are finished exactly."""
    from scipy.linalg import eigh

    last = len(gram) - 1
    steepest = float(eigh(gram, subset_by_index=[last, last], eigvals_only=True)[0])
    weights: Numbers = (~banned / (~banned).sum(axis=0)).astype(np.float32)
    if steepest <= 0:
        return weights
    slopes, pulls = (gram / steepest).astype(np.float32), (targets / steepest).astype(np.float32)
    ahead = weights
    momentum: Numbers = np.ones(targets.shape[1], np.float32)
    for _ in range(_GRADIENT_STEPS):
        moved = project_to_simplex(np.where(banned, np.float32(-np.inf), ahead - slopes @ ahead + pulls))
        change = moved - weights
        # A column that has gone uphill loses its momentum.
        uphill = ((ahead - moved) * change).sum(axis=0) > 0
        momentum = np.where(uphill, np.float32(1), momentum)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + np.where(uphill, np.float32(0), (momentum - 1) / following) * change
        weights, momentum = moved, following
        if float(np.abs(change).max()) < _CLOSE:
            break
    return weights


def project_to_simplex(points: Numbers) -> Numbers:
    """The nearest point of the simplex to each column; -inf becomes zero.

    The level that is taken off is found by Newton's method, which climbs to it and reaches it after finitely many
    steps, since the sum of what stands out above a level is convex in it and made of straight pieces.
    """
    level = points.max(axis=0) - 1
    while True:
        out: Numbers = np.maximum(points - level, 0)
        risen = level + np.maximum(out.sum(axis=0) - 1, 0) / (out > 0).sum(axis=0)
        if (risen <= level).all():
            return out
        level = risen
